/** Scanning everything: now or by a schedule, how far it has come, and stopping it. */
import { Button, Group, Paper, Progress, Stack, Text } from '@mantine/core';
import { IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, type Schemas } from '../../api/client';
import { LIVE } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useAct, useDone } from '../../lib/act';
import { useFormat } from '../../lib/format';
import { ask } from '../../ui/Dialogs';
import { Failure } from '../../ui/Notices';
import { ScheduleForm, ScheduleText } from '../../ui/Schedule';
import { Section } from '../../ui/Screen';
import { Moment, Status } from '../../ui/Small';

const SCHEDULE = '/system/scanAll/schedule';
/** While it runs, news is looked for this often. */
const RUNNING = 1_500;

export function ScanAll() {
  const { t } = useI18n();
  const act = useAct();
  const done = useDone();
  const [scheduling, setScheduling] = useState(false);
  const stale = [['scan-all'], ['security']];
  const run = useQuery({
    queryKey: ['scan-all', 'run'],
    refetchInterval: (query) => (query.state.data?.ongoing ? RUNNING : LIVE),
    queryFn: () => ok(api.GET('/scans/all/metrics')),
  });
  const schedule = useQuery({
    queryKey: ['scan-all', 'schedule'],
    queryFn: () => ok(api.GET(SCHEDULE)),
  });
  const begin = async () => {
    const sure = await ask({
      title: t('scanAll.begin'),
      body: t('scanAll.beginAsk'),
      action: t('scanAll.begin'),
    });
    if (!sure) return;
    const body = { schedule: { type: 'Manual', cron: '' } };
    await act(() => ok(api.POST(SCHEDULE, { body })), { done: t('scanAll.begun'), stale });
  };
  const stop = () =>
    act(() => ok(api.POST('/system/scanAll/stop')), { done: t('scanAll.stopping'), stale });
  const set = schedule.data?.schedule;
  const stats = run.data;
  return (
    <Section
      title={t('scanAll.title')}
      about={t('scanAll.about')}
      actions={
        stats?.ongoing ? (
          <Button
            variant="default"
            leftSection={<IconPlayerStop size={16} aria-hidden />}
            onClick={stop}
          >
            {t('scanAll.stop')}
          </Button>
        ) : (
          <Button leftSection={<IconPlayerPlay size={16} aria-hidden />} onClick={begin}>
            {t('scanAll.begin')}
          </Button>
        )
      }
    >
      <Paper withBorder p="md">
        <Stack gap="md">
          {run.error && !stats && <Failure error={run.error} retry={() => run.refetch()} />}
          {stats && <Run stats={stats} />}
          <Group justify="space-between" gap="sm">
            <Text size="sm">
              {t('schedule.title')}:{' '}
              {set && <ScheduleText kind={set.type || 'None'} cron={set.cron} />}
              {set?.next_scheduled_time && (
                <>
                  {' · '}
                  {t('jobs.next')}: <Moment time={set.next_scheduled_time} />
                </>
              )}
            </Text>
            <Button variant="default" size="compact-sm" onClick={() => setScheduling(true)}>
              {t('schedule.change')}
            </Button>
          </Group>
        </Stack>
      </Paper>
      {scheduling && (
        <ScheduleForm
          kind={set?.type || 'None'}
          cron={set?.cron ?? ''}
          onClose={() => setScheduling(false)}
          onSave={async (type, cron) => {
            await ok(api.PUT(SCHEDULE, { body: { schedule: { type, cron } } }));
            await done({ done: t('common.saved'), stale });
          }}
        />
      )}
    </Section>
  );
}

/** How the last one went, or goes. */
function Run({ stats }: { stats: Schemas['Stats'] }) {
  const { t } = useI18n();
  const format = useFormat();
  if (!stats.trigger)
    return (
      <Text size="sm" c="dimmed">
        {t('scanAll.never')}
      </Text>
    );
  const share = stats.total > 0 ? stats.completed / stats.total : stats.ongoing ? 0 : 1;
  const told = t('scanAll.progress', {
    count: format.number(stats.completed),
    total: format.number(stats.total),
  });
  const states = Object.entries(stats.metrics).filter(([, count]) => count > 0);
  return (
    <Stack gap="xs">
      <Group gap="sm">
        <Text fw={600} size="sm">
          {t(stats.ongoing ? 'scanAll.running' : 'scanAll.last')}
        </Text>
        <Text size="sm" className="tabular" role="status">
          {told}
        </Text>
        {stats.trigger === 'Schedule' && (
          <Text size="sm" c="dimmed">
            {t('scanAll.scheduled')}
          </Text>
        )}
      </Group>
      <Progress.Root size="md">
        <Progress.Section value={share * 100} aria-label={told} />
      </Progress.Root>
      <Group gap="xs">
        {states.map(([state, count]) => (
          <Group key={state} gap={4}>
            <Status status={state} />
            <Text size="sm" className="tabular">
              {format.number(count)}
            </Text>
          </Group>
        ))}
      </Group>
    </Stack>
  );
}
