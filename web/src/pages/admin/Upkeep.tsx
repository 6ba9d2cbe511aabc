/** One kind of upkeep: its schedule, running it now or only looking, and its history with logs. */
import { Badge, Button, Group, NumberInput, Paper, Stack, Switch, Text } from '@mantine/core';
import { IconEye, IconPlayerPlay } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { kept, LIVE } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useAct, useDone } from '../../lib/act';
import { useFormat } from '../../lib/format';
import { isOver, numberIn, parametersOf } from '../../lib/jobs';
import { useListState } from '../../lib/list';
import { Bars } from '../../ui/Bars';
import { type Column, DataTable } from '../../ui/DataTable';
import { ask } from '../../ui/Dialogs';
import { LogView } from '../../ui/LogView';
import { Empty } from '../../ui/Notices';
import { ScheduleForm, ScheduleText } from '../../ui/Schedule';
import { Section } from '../../ui/Screen';
import { Moment, Status } from '../../ui/Small';
import type { Upkeep as Kind, Run } from './upkeeps';

type Values = Record<string, boolean | number>;

export function Upkeep({ upkeep }: { upkeep: Kind }) {
  const { t, word } = useI18n();
  const act = useAct();
  const done = useDone();
  const [values, setValues] = useState<Values>(
    Object.fromEntries(upkeep.fields.map((field) => [field.name, field.first])),
  );
  const [scheduling, setScheduling] = useState(false);
  const schedule = useQuery({
    queryKey: ['upkeep', upkeep.id, 'schedule'],
    queryFn: upkeep.schedule,
  });
  const stale = [['upkeep', upkeep.id]];
  const run = async (dry_run: boolean) => {
    if (!dry_run) {
      const sure = await ask({
        title: t('cleanup.run'),
        body: word('cleanup', `${upkeep.id}Run`),
        action: t('cleanup.run'),
        danger: upkeep.id === 'purge' || values.empty_trash === true,
      });
      if (!sure) return;
    }
    const parameters = { ...values, ...(upkeep.dryRun ? { dry_run } : {}) };
    await act(() => upkeep.write({ schedule: { type: 'Manual', cron: '' }, parameters }), {
      done: t('retention.began'),
      stale,
    });
  };
  const set = schedule.data?.schedule;
  return (
    <Stack gap="xl">
      <Section title={t('cleanup.now')} about={word('cleanup', `${upkeep.id}About`)}>
        <Paper withBorder p="md">
          <Stack>
            <Fields upkeep={upkeep} values={values} onChange={setValues} />
            <Group>
              <Button
                leftSection={<IconPlayerPlay size={16} aria-hidden />}
                onClick={() => run(false)}
              >
                {t('cleanup.run')}
              </Button>
              {upkeep.dryRun && (
                <Button
                  variant="default"
                  leftSection={<IconEye size={16} aria-hidden />}
                  onClick={() => run(true)}
                >
                  {t('cleanup.dryRun')}
                </Button>
              )}
            </Group>
          </Stack>
        </Paper>
      </Section>
      <Section
        title={t('schedule.title')}
        actions={
          <Button variant="default" onClick={() => setScheduling(true)} disabled={!set}>
            {t('schedule.change')}
          </Button>
        }
      >
        {set && (
          <Text size="sm">
            <ScheduleText kind={set.type} cron={set.cron} />
            {set.next_scheduled_time && (
              <>
                {' · '}
                {t('jobs.next')}: <Moment time={set.next_scheduled_time} />
              </>
            )}
          </Text>
        )}
      </Section>
      {upkeep.sizes.length > 0 && <Sizes upkeep={upkeep} />}
      <History upkeep={upkeep} />
      {scheduling && set && (
        <ScheduleForm
          kind={set.type}
          cron={set.cron}
          onClose={() => setScheduling(false)}
          onSave={async (type, cron) => {
            await upkeep.write({ schedule: { type, cron }, parameters: values });
            await done({ done: t('common.saved'), stale });
          }}
        >
          <Fields upkeep={upkeep} values={values} onChange={setValues} />
        </ScheduleForm>
      )}
    </Stack>
  );
}

function Fields(props: { upkeep: Kind; values: Values; onChange: (values: Values) => void }) {
  const { word } = useI18n();
  const { values, onChange } = props;
  return props.upkeep.fields.map((field) => {
    const label = word('parameters', field.name);
    const about = word('parameters', `${field.name}_about`);
    const description = about === `${field.name}_about` ? undefined : about;
    const value = values[field.name] ?? field.first;
    return field.kind === 'switch' ? (
      <Switch
        key={field.name}
        label={label}
        description={description}
        checked={value === true}
        onChange={(event) => onChange({ ...values, [field.name]: event.currentTarget.checked })}
      />
    ) : (
      <NumberInput
        key={field.name}
        label={label}
        description={description}
        min={field.min}
        max={field.max}
        maw={320}
        value={Number(value)}
        onChange={(next) => onChange({ ...values, [field.name]: Number(next) || field.min })}
      />
    );
  });
}

/** Runs that the picture shows. */
const SHOWN = 30;

/** What the runs that deleted something freed, from the oldest to the newest. */
function Sizes({ upkeep }: { upkeep: Kind }) {
  const { word } = useI18n();
  const format = useFormat();
  const { data } = useQuery({
    queryKey: ['upkeep', upkeep.id, 'sizes'],
    refetchInterval: LIVE,
    queryFn: () => upkeep.history({ page: 1, page_size: 100 }),
  });
  const name = upkeep.sizes[0] ?? '';
  const bars = (data?.items ?? [])
    .map((run) => ({ run, told: parametersOf(run.job_parameters) }))
    .filter(({ run, told }) => isOver(run.job_status) && told.dry_run !== true)
    .slice(0, SHOWN)
    .reverse()
    .map(({ run, told }) => {
      const value = numberIn(told, name) ?? 0;
      const when = format.moment(run.creation_time);
      return { key: run.id, name: when, value, text: format.bytes(value) };
    });
  if (bars.length === 0) return null;
  return <Bars label={word('outcomes', name)} bars={bars} />;
}

function History({ upkeep }: { upkeep: Kind }) {
  const { t, word } = useI18n();
  const act = useAct();
  const format = useFormat();
  const state = useListState();
  const [log, setLog] = useState<number | null>(null);
  const list = useQuery({
    queryKey: ['upkeep', upkeep.id, 'history', state.page, state.size],
    ...kept,
    refetchInterval: LIVE / 2,
    queryFn: () => upkeep.history({ page: state.page, page_size: state.size }),
  });
  const outcome = (row: Run) => {
    const found = parametersOf(row.job_parameters);
    const parts: string[] = [];
    for (const name of upkeep.sizes) {
      const value = numberIn(found, name);
      if (value !== null) parts.push(`${word('outcomes', name)}: ${format.bytes(value)}`);
    }
    for (const name of upkeep.counts) {
      const value = numberIn(found, name);
      if (value !== null) parts.push(`${word('outcomes', name)}: ${format.number(value)}`);
    }
    if (typeof found.progress === 'string' && !isOver(row.job_status)) parts.push(found.progress);
    return parts.join(', ');
  };
  const columns: Column<Run>[] = [
    {
      id: 'id',
      label: t('jobs.id'),
      primary: true,
      cell: (row) => (
        <Group gap={6} wrap="nowrap">
          {row.id}
          {parametersOf(row.job_parameters).dry_run === true && (
            <Badge variant="default" tt="none">
              {t('cleanup.dryRun')}
            </Badge>
          )}
        </Group>
      ),
    },
    { id: 'status', label: t('common.status'), cell: (row) => <Status status={row.job_status} /> },
    {
      id: 'trigger',
      label: t('cleanup.trigger'),
      cell: (row) => word('triggers', row.job_kind),
    },
    { id: 'start', label: t('jobs.started'), cell: (row) => <Moment time={row.creation_time} /> },
    {
      id: 'took',
      label: t('jobs.took'),
      cell: (row) =>
        isOver(row.job_status) ? format.duration(row.creation_time, row.update_time) : '',
    },
    { id: 'outcome', label: t('cleanup.outcome'), cell: outcome },
    {
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <Group gap={6} justify="flex-end" wrap="nowrap">
          {!isOver(row.job_status) && (
            <Button
              size="compact-sm"
              variant="default"
              aria-label={`${t('common.stop')} ${row.id}`}
              onClick={() => act(() => upkeep.stop(row.id), { stale: [['upkeep', upkeep.id]] })}
            >
              {t('common.stop')}
            </Button>
          )}
          <Button
            size="compact-sm"
            variant="default"
            aria-label={`${t('common.log')} ${row.id}`}
            onClick={() => setLog(row.id)}
          >
            {t('common.log')}
          </Button>
        </Group>
      ),
    },
  ];
  const shown = list.data?.items.find((row) => row.id === log);
  return (
    <Section title={t('jobs.history')}>
      <DataTable
        label={t('jobs.history')}
        list={list}
        state={state}
        columns={columns}
        keyOf={(row) => row.id}
        empty={<Empty title={t('jobs.none')} next={t('cleanup.noneNext')} />}
      />
      {log !== null && (
        <LogView
          title={`${t('common.log')} ${log}`}
          id={`${upkeep.id}-${log}`}
          running={!!shown && !isOver(shown.job_status)}
          read={() => upkeep.log(log)}
          onClose={() => setLog(null)}
        />
      )}
    </Section>
  );
}
