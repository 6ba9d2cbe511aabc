/** Whom a project tells of what happens in it, and whether they got it. */
import { ActionIcon, Button, Group, Menu, Stack, Text } from '@mantine/core';
import { IconDots, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, page, type Schemas } from '../../api/client';
import { kept, useProject } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useCan } from '../../lib/access';
import { useAct } from '../../lib/act';
import { containing, useListState } from '../../lib/list';
import { usePlace } from '../../lib/place';
import { type Column, DataTable } from '../../ui/DataTable';
import { ask } from '../../ui/Dialogs';
import { Empty } from '../../ui/Notices';
import { Section } from '../../ui/Screen';
import { Search, When } from '../../ui/Small';
import { RuleState } from './Immutability';
import { WebhookForm } from './WebhookForm';
import { WebhookRuns } from './WebhookRuns';

export type Webhook = Schemas['WebhookPolicy'];

export function Webhooks() {
  const { t, word } = useI18n();
  const act = useAct();
  const state = useListState();
  const { project } = usePlace();
  const { data: facts } = useProject(project);
  const can = useCan(facts?.project_id);
  const [editing, setEditing] = useState<Webhook | 'new' | null>(null);
  const path = { project_name_or_id: project };
  const { name, runs } = state.filters;
  const q = containing({ name });
  const list = useQuery({
    queryKey: ['webhooks', project, state.page, state.size, q],
    ...kept,
    queryFn: () =>
      page(
        api.GET('/projects/{project_name_or_id}/webhook/policies', {
          params: { path, query: { page: state.page, page_size: state.size, q } },
        }),
      ),
  });
  const stale = [['webhooks', project]];
  const at = (row: Webhook) => ({ path: { ...path, webhook_policy_id: row.id } });
  const remove = async (row: Webhook) => {
    const sure = await ask({
      title: t('webhooks.delete'),
      body: t('webhooks.deleteAbout', { name: row.name }),
      action: t('common.delete'),
      danger: true,
    });
    if (!sure) return;
    await act(
      () =>
        ok(
          api.DELETE('/projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}', {
            params: at(row),
          }),
        ),
      { done: t('common.deleted', { name: row.name }), stale },
    );
  };
  const turn = (row: Webhook) =>
    act(
      () =>
        ok(
          api.PUT('/projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}', {
            params: at(row),
            body: {
              name: row.name,
              description: row.description,
              event_types: row.event_types,
              targets: row.targets.map(({ type, address, skip_cert_verify, payload_format }) => ({
                type,
                address,
                skip_cert_verify,
                payload_format,
              })),
              enabled: !row.enabled,
            },
          }),
        ),
      { done: t('common.saved'), stale },
    );
  const columns: Column<Webhook>[] = [
    {
      id: 'name',
      label: t('common.name'),
      primary: true,
      cell: (row) => (
        <Stack gap={0}>
          <span>{row.name}</span>
          {row.description && (
            <Text size="xs" c="dimmed" fw={400}>
              {row.description}
            </Text>
          )}
        </Stack>
      ),
    },
    { id: 'state', label: t('common.status'), cell: (row) => <RuleState on={row.enabled} /> },
    {
      id: 'target',
      label: t('webhooks.target'),
      cell: (row) => (
        <span className="break mono">{row.targets.map((one) => one.address).join(', ')}</span>
      ),
    },
    {
      id: 'events',
      label: t('webhooks.events'),
      cell: (row) => row.event_types.map((one) => word('events', one)).join(', '),
    },
    { id: 'created', label: t('common.created'), cell: (row) => <When time={row.creation_time} /> },
    {
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <Group gap={6} justify="flex-end" wrap="nowrap">
          <Button
            size="compact-sm"
            variant="default"
            aria-label={`${t('webhooks.deliveries')} ${row.name}`}
            onClick={() =>
              state.setFilters({ runs: runs === String(row.id) ? undefined : String(row.id) })
            }
          >
            {t('webhooks.deliveries')}
          </Button>
          {can('notification-policy', 'update') && (
            <Menu position="bottom-end" withArrow>
              <Menu.Target>
                <ActionIcon variant="subtle" aria-label={t('common.more', { name: row.name })}>
                  <IconDots size={16} aria-hidden />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item onClick={() => setEditing(row)}>{t('common.edit')}</Menu.Item>
                <Menu.Item onClick={() => turn(row)}>
                  {row.enabled ? t('tagRules.turnOff') : t('tagRules.turnOn')}
                </Menu.Item>
                <Menu.Item color="red" onClick={() => remove(row)}>
                  {t('common.delete')}
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          )}
        </Group>
      ),
    },
  ];
  const add = can('notification-policy', 'create') && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
      {t('webhooks.create')}
    </Button>
  );
  const shown = list.data?.items.find((row) => String(row.id) === runs);
  return (
    <Section title={t('webhooks.title')} about={t('webhooks.about')} actions={add}>
      <DataTable
        label={t('webhooks.title')}
        list={list}
        state={state}
        columns={columns}
        keyOf={(row) => row.id}
        toolbar={
          <Search
            label={t('webhooks.search')}
            value={name ?? ''}
            onChange={(value) => state.setFilters({ name: value })}
          />
        }
        empty={
          q ? (
            <Empty title={t('table.nothing')} next={t('table.nothingNext')} />
          ) : (
            <Empty title={t('webhooks.none')} next={t('webhooks.noneNext')} action={add} />
          )
        }
      />
      {shown && <WebhookRuns project={project} webhook={shown} />}
      {editing && (
        <WebhookForm
          webhook={editing === 'new' ? null : editing}
          onClose={() => setEditing(null)}
        />
      )}
    </Section>
  );
}
