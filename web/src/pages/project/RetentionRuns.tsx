/** The runs of a retention policy, with what each did in each repository. */
import { Badge, Button, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, page, type Schemas } from '../../api/client';
import { LIVE } from '../../api/queries';
import { useT } from '../../i18n';
import { useAct } from '../../lib/act';
import { useFormat } from '../../lib/format';
import { isOver } from '../../lib/jobs';
import { type Column, DataTable } from '../../ui/DataTable';
import { LogView } from '../../ui/LogView';
import { Empty } from '../../ui/Notices';
import { Section } from '../../ui/Screen';
import { Moment, Status } from '../../ui/Small';

type Run = Schemas['RetentionExecution'];
type Task = Schemas['RetentionExecutionTask'];

export function RetentionRuns({ policy, mayStop }: { policy: number; mayStop: boolean }) {
  const t = useT();
  const act = useAct();
  const [open, setOpen] = useState<number | null>(null);
  const list = useQuery({
    queryKey: ['retentionRuns', policy],
    refetchInterval: LIVE / 2,
    queryFn: () =>
      page(
        api.GET('/retentions/{id}/executions', {
          params: { path: { id: policy }, query: { page: 1, page_size: 15 } },
        }),
      ),
  });
  const stop = (run: Run) =>
    act(
      () =>
        ok(
          api.PATCH('/retentions/{id}/executions/{eid}', {
            params: { path: { id: policy, eid: run.id } },
            body: { action: 'stop' },
          }),
        ),
      { stale: [['retentionRuns', policy]] },
    );
  const columns: Column<Run>[] = [
    { id: 'id', label: t('jobs.id'), primary: true, cell: (row) => row.id },
    {
      id: 'kind',
      label: t('common.kind'),
      cell: (row) =>
        row.dry_run ? (
          <Badge variant="default" tt="none">
            {t('retention.preview')}
          </Badge>
        ) : (
          t('retention.real')
        ),
    },
    { id: 'status', label: t('common.status'), cell: (row) => <Status status={row.status} /> },
    { id: 'start', label: t('jobs.started'), cell: (row) => <Moment time={row.start_time} /> },
    {
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <Group gap={6} justify="flex-end">
          {mayStop && !isOver(row.status) && (
            <Button size="compact-sm" variant="default" onClick={() => stop(row)}>
              {t('common.stop')}
            </Button>
          )}
          <Button
            size="compact-sm"
            variant="default"
            aria-expanded={open === row.id}
            onClick={() => setOpen(open === row.id ? null : row.id)}
          >
            {t('retention.details')}
          </Button>
        </Group>
      ),
    },
  ];
  const opened = list.data?.items.find((run) => run.id === open);
  return (
    <Section title={t('jobs.history')}>
      <Stack gap="md">
        <DataTable
          label={t('jobs.history')}
          list={list}
          columns={columns}
          keyOf={(row) => row.id}
          empty={<Empty title={t('jobs.none')} next={t('retention.runsNext')} />}
        />
        {opened && <Tasks policy={policy} run={opened} />}
      </Stack>
    </Section>
  );
}

function Tasks({ policy, run }: { policy: number; run: Run }) {
  const t = useT();
  const format = useFormat();
  const [log, setLog] = useState<Task | null>(null);
  const running = !isOver(run.status);
  const list = useQuery({
    queryKey: ['retentionTasks', policy, run.id, run.status],
    refetchInterval: running ? LIVE / 2 : false,
    queryFn: () =>
      page(
        api.GET('/retentions/{id}/executions/{eid}/tasks', {
          params: { path: { id: policy, eid: run.id }, query: { page: 1, page_size: 100 } },
        }),
      ),
  });
  const columns: Column<Task>[] = [
    {
      id: 'repository',
      label: t('artifacts.repository'),
      primary: true,
      cell: (row) => row.repository || t('retention.choice'),
    },
    { id: 'status', label: t('common.status'), cell: (row) => <Status status={row.status} /> },
    {
      id: 'kept',
      label: t('retention.kept'),
      right: true,
      cell: (row) =>
        t('retention.keptOf', {
          kept: format.number(row.retained),
          total: format.number(row.total),
        }),
    },
    {
      id: 'log',
      label: '',
      right: true,
      cell: (row) => (
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => setLog(row)}
          aria-label={`${t('common.log')} ${row.repository || t('retention.choice')}`}
        >
          {t('common.log')}
        </Button>
      ),
    },
  ];
  return (
    <div>
      <Text size="sm" fw={600} mb={4}>
        {t('retention.ofRun', { id: String(run.id) })}
      </Text>
      <DataTable
        label={t('retention.ofRun', { id: String(run.id) })}
        list={list}
        columns={columns}
        keyOf={(row) => row.id}
        empty={<Empty title={t('retention.noTasks')} />}
      />
      {log && (
        <LogView
          title={`${t('common.log')}: ${log.repository || t('retention.choice')}`}
          id={`retention-${run.id}-${log.id}`}
          running={running}
          read={() =>
            ok(
              api.GET('/retentions/{id}/executions/{eid}/tasks/{tid}', {
                params: { path: { id: policy, eid: run.id, tid: log.id } },
                parseAs: 'text',
              }),
            )
          }
          onClose={() => setLog(null)}
        />
      )}
    </div>
  );
}
