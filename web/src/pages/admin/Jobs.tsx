/** Work beside requests: queues, the processes that work, and what begins by itself. */
import { Badge, Button, Group, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, page, type Schemas } from '../../api/client';
import { LIVE } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useAct } from '../../lib/act';
import { type Column, DataTable, type Listed } from '../../ui/DataTable';
import { ask } from '../../ui/Dialogs';
import { LogView } from '../../ui/LogView';
import { Empty } from '../../ui/Notices';
import { ScheduleText } from '../../ui/Schedule';
import { Screen, Section } from '../../ui/Screen';
import { Moment, When } from '../../ui/Small';

/** Lists that the API answers whole. */
function whole<T>(query: Omit<Listed<T>, 'data'> & { data: T[] | undefined }): Listed<T> {
  return { ...query, data: query.data && { items: query.data, total: query.data.length } };
}

export function Jobs() {
  const { t } = useI18n();
  return (
    <Screen title={t('jobs.title')} about={t('jobs.about')}>
      <Stack gap="xl">
        <Queues />
        <Workers />
        <Schedules />
      </Stack>
    </Screen>
  );
}

function Queues() {
  const { t, word } = useI18n();
  const act = useAct();
  const list = useQuery({
    queryKey: ['queues'],
    refetchInterval: LIVE / 2,
    queryFn: () => ok(api.GET('/jobservice/queues')),
  });
  const tell = (job_type: string, action: string) =>
    act(
      () =>
        ok(
          api.PUT('/jobservice/queues/{job_type}', {
            params: { path: { job_type } },
            body: { action },
          }),
        ),
      { stale: [['queues']] },
    );
  const stop = async (kind: string) => {
    const sure = await ask({
      title: t('jobs.stopWaiting'),
      body: t('jobs.stopAbout', { name: word('jobKinds', kind) }),
      action: t('common.stop'),
      danger: true,
    });
    if (sure) await tell(kind, 'stop');
  };
  const columns: Column<Schemas['JobQueue']>[] = [
    {
      id: 'kind',
      label: t('jobs.queue'),
      primary: true,
      cell: (row) => word('jobKinds', row.job_type),
    },
    { id: 'waiting', label: t('jobs.waiting'), right: true, cell: (row) => row.count },
    {
      id: 'oldest',
      label: t('jobs.oldest'),
      right: true,
      cell: (row) => (row.count > 0 ? t('jobs.seconds', { count: row.latency }) : ''),
    },
    {
      id: 'state',
      label: t('common.status'),
      cell: (row) => (
        <Badge variant="light" tt="none" color={row.paused ? 'yellow' : 'green'}>
          {row.paused ? t('jobs.paused') : t('jobs.goes')}
        </Badge>
      ),
    },
    {
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <Group gap={6} justify="flex-end" wrap="nowrap">
          <Button
            size="compact-sm"
            variant="default"
            aria-label={`${t('common.stop')} ${word('jobKinds', row.job_type)}`}
            onClick={() => stop(row.job_type)}
          >
            {t('common.stop')}
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            aria-label={`${row.paused ? t('jobs.resume') : t('jobs.pause')} ${word('jobKinds', row.job_type)}`}
            onClick={() => tell(row.job_type, row.paused ? 'resume' : 'pause')}
          >
            {row.paused ? t('jobs.resume') : t('jobs.pause')}
          </Button>
        </Group>
      ),
    },
  ];
  return (
    <Section
      title={t('jobs.queues')}
      actions={
        <>
          <Button variant="default" size="xs" onClick={() => tell('all', 'pause')}>
            {t('jobs.pauseAll')}
          </Button>
          <Button variant="default" size="xs" onClick={() => tell('all', 'resume')}>
            {t('jobs.resumeAll')}
          </Button>
        </>
      }
    >
      <DataTable
        label={t('jobs.queues')}
        list={whole(list)}
        columns={columns}
        keyOf={(row) => row.job_type}
        empty={<Empty title={t('jobs.none')} />}
      />
    </Section>
  );
}

function Workers() {
  const { t, word } = useI18n();
  const act = useAct();
  const [log, setLog] = useState<Schemas['Worker'] | null>(null);
  const pools = useQuery({
    queryKey: ['pools'],
    refetchInterval: LIVE,
    queryFn: () => ok(api.GET('/jobservice/pools')),
  });
  const workers = useQuery({
    queryKey: ['workers'],
    refetchInterval: LIVE / 2,
    queryFn: () =>
      ok(api.GET('/jobservice/pools/{pool_id}/workers', { params: { path: { pool_id: 'all' } } })),
  });
  const busy = workers.data?.filter((worker) => worker.job_id !== '');
  const stop = async (worker: Schemas['Worker']) => {
    const sure = await ask({
      title: t('jobs.stopJob'),
      body: word('jobKinds', worker.job_name),
      action: t('common.stop'),
      danger: true,
    });
    if (!sure) return;
    const params = { path: { job_id: worker.job_id } };
    await act(() => ok(api.PUT('/jobservice/jobs/{job_id}', { params })), { stale: [['workers']] });
  };
  const poolColumns: Column<Schemas['WorkerPool']>[] = [
    {
      id: 'pool',
      label: t('jobs.pool'),
      primary: true,
      cell: (row) => `${row.host} (${row.pid})`,
    },
    {
      id: 'concurrency',
      label: t('jobs.concurrency'),
      right: true,
      cell: (row) => row.concurrency,
    },
    { id: 'start', label: t('jobs.started'), cell: (row) => <Moment time={row.start_at} /> },
    { id: 'beat', label: t('jobs.beat'), cell: (row) => <When time={row.heartbeat_at} /> },
  ];
  const columns: Column<Schemas['Worker']>[] = [
    {
      id: 'job',
      label: t('jobs.job'),
      primary: true,
      cell: (row) => word('jobKinds', row.job_name),
    },
    { id: 'start', label: t('jobs.started'), cell: (row) => <When time={row.start_at} /> },
    { id: 'said', label: t('common.status'), cell: (row) => row.check_in },
    {
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <Group gap={6} justify="flex-end" wrap="nowrap">
          <Button
            size="compact-sm"
            variant="default"
            aria-label={`${t('common.stop')} ${row.job_id}`}
            onClick={() => stop(row)}
          >
            {t('common.stop')}
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            aria-label={`${t('common.log')} ${row.job_id}`}
            onClick={() => setLog(row)}
          >
            {t('common.log')}
          </Button>
        </Group>
      ),
    },
  ];
  return (
    <Section title={t('jobs.workers')}>
      <DataTable
        label={t('jobs.workers')}
        list={whole(pools)}
        columns={poolColumns}
        keyOf={(row) => row.worker_pool_id}
        empty={<Empty title={t('jobs.none')} />}
      />
      <DataTable
        label={t('jobs.job')}
        list={whole({ ...workers, data: busy })}
        columns={columns}
        keyOf={(row) => row.id}
        empty={<Empty title={t('jobs.idle')} next={t('jobs.idleNext')} />}
      />
      {log && (
        <LogView
          title={`${t('common.log')}: ${word('jobKinds', log.job_name)}`}
          id={`job-${log.job_id}`}
          running={busy?.some((worker) => worker.job_id === log.job_id) ?? false}
          read={() =>
            ok(
              api.GET('/jobservice/jobs/{job_id}/log', {
                params: { path: { job_id: log.job_id } },
                parseAs: 'text',
              }),
            )
          }
          onClose={() => setLog(null)}
        />
      )}
    </Section>
  );
}

function Schedules() {
  const { t, word } = useI18n();
  const list = useQuery({
    queryKey: ['schedules'],
    refetchInterval: LIVE * 4,
    queryFn: () => page(api.GET('/schedules', { params: { query: { page: 1, page_size: 100 } } })),
  });
  const columns: Column<Schemas['ScheduleTask']>[] = [
    {
      id: 'kind',
      label: t('jobs.queue'),
      primary: true,
      cell: (row) => word('jobKinds', row.vendor_type),
    },
    {
      id: 'cron',
      label: t('schedule.title'),
      cell: (row) => <ScheduleText kind="Custom" cron={row.cron} />,
    },
    { id: 'next', label: t('jobs.next'), cell: (row) => <Moment time={row.next_scheduled_time} /> },
  ];
  return (
    <Section title={t('jobs.schedules')}>
      <DataTable
        label={t('jobs.schedules')}
        list={list}
        columns={columns}
        keyOf={(row) => row.id}
        empty={<Empty title={t('jobs.noSchedules')} />}
      />
    </Section>
  );
}
