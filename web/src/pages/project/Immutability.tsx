/** Tags that must stay as they are: the rules, and a preview of what a rule speaks of. */
import { ActionIcon, Badge, Button, Group, Menu, Text } from '@mantine/core';
import { IconDots, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, page, type Schemas } from '../../api/client';
import { kept, useProject } from '../../api/queries';
import { useT } from '../../i18n';
import { useCan } from '../../lib/access';
import { useAct, useDone } from '../../lib/act';
import { useListState } from '../../lib/list';
import { usePlace } from '../../lib/place';
import { chosenBy, EVERYTHING, type Scope, scopeOf, selectorsOf } from '../../lib/rulesets';
import { type Column, DataTable } from '../../ui/DataTable';
import { ask, FormDialog } from '../../ui/Dialogs';
import { Empty } from '../../ui/Notices';
import { ScopeFields, ScopeText } from '../../ui/ScopeFields';
import { Section } from '../../ui/Screen';
import { useTags } from './tags';

type Rule = Schemas['ImmutableRule'];

function bodyOf(scope: Scope, disabled: boolean) {
  return {
    disabled,
    action: 'immutable',
    template: 'immutable_template',
    params: {},
    ...selectorsOf(scope),
  };
}

export function Immutability() {
  const t = useT();
  const act = useAct();
  const state = useListState();
  const { project } = usePlace();
  const { data: facts } = useProject(project);
  const can = useCan(facts?.project_id);
  const [editing, setEditing] = useState<Rule | 'new' | null>(null);
  const path = { project_name_or_id: project };
  const list = useQuery({
    queryKey: ['immutable', project, state.page, state.size],
    ...kept,
    queryFn: () =>
      page(
        api.GET('/projects/{project_name_or_id}/immutabletagrules', {
          params: { path, query: { page: state.page, page_size: state.size } },
        }),
      ),
  });
  const stale = [
    ['immutable', project],
    ['artifacts', project],
  ];
  const at = (rule: Rule) => ({ path: { ...path, immutable_rule_id: rule.id } });
  const turn = (rule: Rule) =>
    act(
      () =>
        ok(
          api.PUT('/projects/{project_name_or_id}/immutabletagrules/{immutable_rule_id}', {
            params: at(rule),
            body: { ...bodyOf(scopeOf(rule), !rule.disabled), id: rule.id },
          }),
        ),
      { done: t('common.saved'), stale },
    );
  const remove = async (rule: Rule) => {
    const sure = await ask({
      title: t('tagRules.delete'),
      body: <ScopeText scope={scopeOf(rule)} />,
      action: t('common.delete'),
      danger: true,
    });
    if (!sure) return;
    await act(
      () =>
        ok(
          api.DELETE('/projects/{project_name_or_id}/immutabletagrules/{immutable_rule_id}', {
            params: at(rule),
          }),
        ),
      { done: t('tagRules.deleted'), stale },
    );
  };
  const columns: Column<Rule>[] = [
    {
      id: 'rule',
      label: t('tagRules.rule'),
      primary: true,
      cell: (row) => <ScopeText scope={scopeOf(row)} />,
    },
    { id: 'state', label: t('common.status'), cell: (row) => <RuleState on={!row.disabled} /> },
  ];
  if (can('immutable-tag', 'update')) {
    columns.push({
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <RuleMenu
          on={!row.disabled}
          name={scopeOf(row).tags}
          onEdit={() => setEditing(row)}
          onTurn={() => turn(row)}
          onDelete={() => remove(row)}
        />
      ),
    });
  }
  const add = can('immutable-tag', 'create') && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
      {t('tagRules.add')}
    </Button>
  );
  return (
    <Section title={t('project.immutability')} about={t('tagRules.immutableAbout')} actions={add}>
      <DataTable
        label={t('project.immutability')}
        list={list}
        state={state}
        columns={columns}
        keyOf={(row) => row.id}
        empty={<Empty title={t('tagRules.none')} next={t('tagRules.immutableNext')} action={add} />}
      />
      {editing && (
        <RuleForm rule={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />
      )}
    </Section>
  );
}

export function RuleState({ on }: { on: boolean }) {
  const t = useT();
  return (
    <Badge variant="light" color={on ? 'green' : 'gray'} tt="none">
      {on ? t('common.on') : t('common.off')}
    </Badge>
  );
}

export function RuleMenu(props: {
  on: boolean;
  name: string;
  onEdit: () => void;
  onTurn: () => void;
  onDelete: () => void;
}) {
  const t = useT();
  return (
    <Menu position="bottom-end" withArrow>
      <Menu.Target>
        <ActionIcon variant="subtle" aria-label={t('common.more', { name: props.name })}>
          <IconDots size={16} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={props.onEdit}>{t('common.edit')}</Menu.Item>
        <Menu.Item onClick={props.onTurn}>
          {props.on ? t('tagRules.turnOff') : t('tagRules.turnOn')}
        </Menu.Item>
        <Menu.Item color="red" onClick={props.onDelete}>
          {t('common.delete')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function RuleForm({ rule, onClose }: { rule: Rule | null; onClose: () => void }) {
  const t = useT();
  const done = useDone();
  const { project } = usePlace();
  const [scope, setScope] = useState<Scope>(rule ? scopeOf(rule) : EVERYTHING);
  const save = async () => {
    const path = { project_name_or_id: project };
    const body = bodyOf(scope, rule?.disabled ?? false);
    if (rule) {
      await ok(
        api.PUT('/projects/{project_name_or_id}/immutabletagrules/{immutable_rule_id}', {
          params: { path: { ...path, immutable_rule_id: rule.id } },
          body: { ...body, id: rule.id },
        }),
      );
    } else {
      await ok(
        api.POST('/projects/{project_name_or_id}/immutabletagrules', { params: { path }, body }),
      );
    }
    await done({ done: t('common.saved'), stale: [['immutable', project], ['artifacts']] });
  };
  return (
    <FormDialog
      title={rule ? t('tagRules.edit') : t('tagRules.add')}
      action={t('common.save')}
      size="lg"
      onClose={onClose}
      check={() => chosenBy(scope) !== null}
      onSubmit={save}
    >
      <ScopeFields scope={scope} onChange={setScope} />
      <Preview scope={scope} />
    </FormDialog>
  );
}

const SHOWN = 30;

/** Which of the tags that are there now the rule would speak of. */
export function Preview({ scope }: { scope: Scope }) {
  const t = useT();
  const { project } = usePlace();
  const tags = useTags(project);
  const chooses = chosenBy(scope);
  if (!tags.data || !chooses) return null;
  const found = tags.data.tags.filter((one) => chooses(one.repository, one.tag));
  return (
    <div className="surface" style={{ padding: 'var(--mantine-spacing-sm)' }} aria-live="polite">
      <Text size="sm" fw={600}>
        {t('tagRules.preview', { count: found.length, total: tags.data.tags.length })}
      </Text>
      <Group gap={6} mt={6}>
        {found.slice(0, SHOWN).map((one) => (
          <Badge key={`${one.repository}:${one.tag}`} variant="default" tt="none" className="mono">
            {one.repository}:{one.tag}
          </Badge>
        ))}
        {found.length > SHOWN && <Text size="sm">+{found.length - SHOWN}</Text>}
      </Group>
      {tags.data.more && (
        <Text size="xs" c="dimmed" mt={6}>
          {t('tagRules.previewMore')}
        </Text>
      )}
    </div>
  );
}
