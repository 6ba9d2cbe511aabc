/** What was told by a webhook, how it went, and telling it again. */
import { Button, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, page, type Schemas } from '../../api/client';
import { LIVE } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useAct } from '../../lib/act';
import { isOver } from '../../lib/jobs';
import { type Column, DataTable } from '../../ui/DataTable';
import { LogView } from '../../ui/LogView';
import { Empty } from '../../ui/Notices';
import { Moment, Status } from '../../ui/Small';
import type { Webhook } from './Webhooks';

type Run = Schemas['Execution'];

export function WebhookRuns({ project, webhook }: { project: string; webhook: Webhook }) {
  const { t, word } = useI18n();
  const act = useAct();
  const [log, setLog] = useState<Run | null>(null);
  const path = { project_name_or_id: project, webhook_policy_id: webhook.id };
  const list = useQuery({
    queryKey: ['webhookRuns', project, webhook.id],
    refetchInterval: LIVE,
    queryFn: () =>
      page(
        api.GET('/projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/executions', {
          params: { path, query: { page: 1, page_size: 25 } },
        }),
      ),
  });
  const again = (run: Run) =>
    act(
      () =>
        ok(
          api.POST(
            '/projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/executions/{execution_id}/redeliver',
            { params: { path: { ...path, execution_id: run.id } } },
          ),
        ),
      { done: t('webhooks.again'), stale: [['webhookRuns', project, webhook.id]] },
    );
  const columns: Column<Run>[] = [
    { id: 'id', label: t('jobs.id'), primary: true, cell: (row) => row.id },
    { id: 'status', label: t('common.status'), cell: (row) => <Status status={row.status} /> },
    {
      id: 'event',
      label: t('webhooks.event'),
      cell: (row) => {
        const attributes = (row.extra_attrs ?? {}) as Record<string, unknown>;
        const event = attributes.event_type ?? attributes.type;
        return typeof event === 'string' ? word('events', event) : '';
      },
    },
    { id: 'start', label: t('jobs.started'), cell: (row) => <Moment time={row.start_time} /> },
    {
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <Group gap={6} justify="flex-end" wrap="nowrap">
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => again(row)}
            aria-label={`${t('webhooks.retell')} ${row.id}`}
          >
            {t('webhooks.retell')}
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => setLog(row)}
            aria-label={`${t('common.log')} ${row.id}`}
          >
            {t('common.log')}
          </Button>
        </Group>
      ),
    },
  ];
  /** Each delivery is one task; its log says what the target answered. */
  const read = async (run: Run) => {
    const place = { ...path, execution_id: run.id };
    const tasks = await ok(
      api.GET(
        '/projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/executions/{execution_id}/tasks',
        { params: { path: place } },
      ),
    );
    const texts = await Promise.all(
      tasks.map((task) =>
        ok(
          api.GET(
            '/projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/executions/{execution_id}/tasks/{task_id}/log',
            { params: { path: { ...place, task_id: task.id } }, parseAs: 'text' },
          ),
        ),
      ),
    );
    return texts.join('\n');
  };
  return (
    <div>
      <Text size="sm" fw={600} my="xs">
        {t('webhooks.deliveriesOf', { name: webhook.name })}
      </Text>
      <DataTable
        label={t('webhooks.deliveriesOf', { name: webhook.name })}
        list={list}
        columns={columns}
        keyOf={(row) => row.id}
        empty={<Empty title={t('webhooks.quiet')} next={t('webhooks.quietNext')} />}
      />
      {log && (
        <LogView
          title={`${t('common.log')} ${log.id}`}
          id={`webhook-${log.id}`}
          running={!isOver(log.status)}
          read={() => read(log)}
          onClose={() => setLog(null)}
        />
      )}
    </div>
  );
}
