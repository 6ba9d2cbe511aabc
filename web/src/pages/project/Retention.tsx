/** What a project keeps: rules, when they run, and what a run would delete before it does. */
import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { IconEye, IconPlayerPlay, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, type Schemas } from '../../api/client';
import { projectQuery, useProject } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useCan } from '../../lib/access';
import { useAct } from '../../lib/act';
import { usePlace } from '../../lib/place';
import { numberOf, scopeOf, untaggedOf } from '../../lib/rulesets';
import { type Column, DataTable } from '../../ui/DataTable';
import { ask } from '../../ui/Dialogs';
import { Empty, Failure, Waiting } from '../../ui/Notices';
import { ScheduleForm, ScheduleText } from '../../ui/Schedule';
import { ScopeText } from '../../ui/ScopeFields';
import { Section } from '../../ui/Screen';
import { RuleMenu, RuleState } from './Immutability';
import { RetentionRuleForm } from './RetentionRule';
import { RetentionRuns } from './RetentionRuns';

type Policy = Schemas['RetentionPolicy'];
type Rule = Schemas['RetentionRule'];

export function Retention() {
  const { project } = usePlace();
  const { data: facts } = useProject(project);
  const id = Number(facts?.metadata.retention_id ?? 0);
  const policy = useQuery({
    queryKey: ['retention', id],
    enabled: id > 0,
    queryFn: () => ok(api.GET('/retentions/{id}', { params: { path: { id } } })),
  });
  if (!facts || (id > 0 && policy.isPending)) return <Waiting />;
  if (policy.error && !policy.data) {
    return <Failure error={policy.error} retry={() => policy.refetch()} />;
  }
  return <Policies facts={facts} policy={policy.data ?? null} />;
}

function cronOf(policy: Policy | null): string {
  const settings = policy?.trigger?.settings as { cron?: unknown } | null | undefined;
  return typeof settings?.cron === 'string' ? settings.cron : '';
}

function Policies({ facts, policy }: { facts: Schemas['Project']; policy: Policy | null }) {
  const { t } = useI18n();
  const act = useAct();
  const can = useCan(facts.project_id);
  const [editing, setEditing] = useState<Rule | 'new' | null>(null);
  const [scheduling, setScheduling] = useState(false);
  const rules = policy?.rules ?? [];
  const cron = cronOf(policy);

  const write = async (next: Rule[], nextCron: string) => {
    const body = {
      algorithm: 'or',
      rules: next,
      trigger: { kind: 'Schedule', settings: { cron: nextCron }, references: {} },
      scope: { level: 'project', ref: facts.project_id },
    };
    if (policy) {
      const params = { path: { id: policy.id } };
      await ok(api.PUT('/retentions/{id}', { params, body: { ...body, id: policy.id } }));
    } else {
      await ok(api.POST('/retentions', { body }));
    }
  };
  // The first rule makes the policy, whose id the project then names.
  const stale = [projectQuery(facts.name).queryKey, ['retention']];
  const save = (next: Rule[], nextCron = cron) =>
    act(() => write(next, nextCron), { done: t('common.saved'), stale });
  const remove = async (rule: Rule) => {
    const sure = await ask({
      title: t('tagRules.delete'),
      body: <RuleText rule={rule} />,
      action: t('common.delete'),
      danger: true,
    });
    if (sure) await save(rules.filter((one) => one !== rule));
  };
  const run = async (dry_run: boolean) => {
    if (!policy) return;
    if (!dry_run) {
      const sure = await ask({
        title: t('retention.run'),
        body: t('retention.runAbout'),
        action: t('retention.run'),
        danger: true,
      });
      if (!sure) return;
    }
    await act(
      () =>
        ok(
          api.POST('/retentions/{id}/executions', {
            params: { path: { id: policy.id } },
            body: { dry_run },
          }),
        ),
      { done: t('retention.began'), stale: [['retentionRuns', policy.id]] },
    );
  };

  const mayChange = can('tag-retention', 'update');
  const columns: Column<Rule>[] = [
    {
      id: 'rule',
      label: t('tagRules.rule'),
      primary: true,
      cell: (row) => <RuleText rule={row} />,
    },
    { id: 'state', label: t('common.status'), cell: (row) => <RuleState on={!row.disabled} /> },
  ];
  if (mayChange) {
    columns.push({
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <RuleMenu
          on={!row.disabled}
          name={scopeOf(row).tags}
          onEdit={() => setEditing(row)}
          onTurn={() =>
            save(rules.map((one) => (one === row ? { ...one, disabled: !one.disabled } : one)))
          }
          onDelete={() => remove(row)}
        />
      ),
    });
  }
  const add = mayChange && rules.length < 15 && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
      {t('tagRules.add')}
    </Button>
  );
  return (
    <Stack gap="xl">
      <Section title={t('project.retention')} about={t('retention.about')} actions={add}>
        <DataTable
          label={t('project.retention')}
          list={{
            data: { items: rules, total: rules.length },
            error: null,
            isPending: false,
            refetch: () => undefined,
          }}
          columns={columns}
          keyOf={(row) => row.id}
          empty={<Empty title={t('tagRules.none')} next={t('retention.next')} action={add} />}
        />
        {rules.length > 0 && (
          <Alert variant="light" color="harbour">
            {t('retention.rest')}
          </Alert>
        )}
      </Section>
      {policy && (
        <>
          <Section
            title={t('schedule.title')}
            actions={
              <>
                {mayChange && (
                  <Button variant="default" onClick={() => setScheduling(true)}>
                    {t('schedule.change')}
                  </Button>
                )}
                {can('tag-retention', 'operate') && (
                  <>
                    <Button
                      variant="default"
                      leftSection={<IconEye size={16} aria-hidden />}
                      onClick={() => run(true)}
                    >
                      {t('retention.preview')}
                    </Button>
                    <Button
                      leftSection={<IconPlayerPlay size={16} aria-hidden />}
                      onClick={() => run(false)}
                    >
                      {t('retention.run')}
                    </Button>
                  </>
                )}
              </>
            }
          >
            <Text size="sm">
              <ScheduleText kind={cron === '' ? 'None' : 'Custom'} cron={cron} />
            </Text>
          </Section>
          <RetentionRuns policy={policy.id} mayStop={can('tag-retention', 'operate')} />
        </>
      )}
      {editing && (
        <RetentionRuleForm
          rule={editing === 'new' ? null : editing}
          onClose={() => setEditing(null)}
          onSave={async (rule) => {
            const next =
              editing === 'new'
                ? [...rules, rule]
                : rules.map((one) => (one === editing ? rule : one));
            await write(next, cron);
            await act(async () => undefined, { done: t('common.saved'), stale });
          }}
        />
      )}
      {scheduling && (
        <ScheduleForm
          kind={cron === '' ? 'None' : 'Custom'}
          cron={cron}
          cronOnly
          onClose={() => setScheduling(false)}
          onSave={async (_, nextCron) => {
            await write(rules, nextCron);
            await act(async () => undefined, { done: t('common.saved'), stale });
          }}
        />
      )}
    </Stack>
  );
}

function RuleText({ rule }: { rule: Rule }) {
  const { t, word } = useI18n();
  const number = numberOf(rule);
  return (
    <Stack gap={0}>
      <Group gap={6}>
        <Text size="sm" fw={600}>
          {word('templates', rule.template)}
          {number !== null && `: ${number}`}
        </Text>
      </Group>
      <Text size="sm" fw={400}>
        <ScopeText scope={scopeOf(rule)} />
        {untaggedOf(rule) && `, ${t('retention.untaggedToo')}`}
      </Text>
    </Stack>
  );
}
