/** Feeds of advisories: what images are held against, where it comes from and how old it is. */
import { ActionIcon, Badge, Button, Group, Loader, Menu, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconDots, IconPlus, IconUpload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, type Schemas } from '../../api/client';
import { useI18n } from '../../i18n';
import { useAct } from '../../lib/act';
import { useFormat } from '../../lib/format';
import { daysSince, OLD_DAYS } from '../../lib/scans';
import { type Column, DataTable } from '../../ui/DataTable';
import { ask } from '../../ui/Dialogs';
import { Empty } from '../../ui/Notices';
import { ScheduleText } from '../../ui/Schedule';
import { Screen } from '../../ui/Screen';
import { Copy, Line, When } from '../../ui/Small';
import { FeedFile } from './FeedFile';
import { FeedForm } from './FeedForm';

type Feed = Schemas['AdvisoryFeed'];

/** The same everywhere: it is typed into a shell. */
const COMMAND = 'berth vulndb import Debian.zip';

export function Advisories() {
  const { t } = useI18n();
  const format = useFormat();
  const act = useAct();
  const [editing, setEditing] = useState<Feed | 'new' | null>(null);
  const [sending, setSending] = useState<string | null>(null);
  const found = useQuery({
    queryKey: ['advisories'],
    // One that is being fetched is looked at more often.
    refetchInterval: (query) => (query.state.data?.some((feed) => feed.updating) ? 2_000 : 15_000),
    queryFn: () => ok(api.GET('/advisories/feeds')),
  });
  const stale = [['advisories']];
  const params = (row: Feed) => ({ path: { feed_name: row.name } });
  const fetchNow = (row: Feed) =>
    act(() => ok(api.POST('/advisories/feeds/{feed_name}/update', { params: params(row) })), {
      done: t('advisories.begun', { name: row.name }),
      stale,
    });
  const remove = async (row: Feed) => {
    const sure = await ask({
      title: t('advisories.deleteTitle'),
      body: t('advisories.deleteAsk', { name: row.name }),
      action: t('common.delete'),
      danger: true,
    });
    if (!sure) return;
    await act(() => ok(api.DELETE('/advisories/feeds/{feed_name}', { params: params(row) })), {
      done: t('common.deleted', { name: row.name }),
      stale,
    });
  };
  const columns: Column<Feed>[] = [
    {
      id: 'name',
      label: t('advisories.name'),
      primary: true,
      cell: (row) => (
        <Stack gap={2}>
          <Group gap={6}>
            <span className="break">{row.name}</span>
            {row.updating && (
              <Badge variant="light" tt="none" leftSection={<Loader size={10} aria-hidden />}>
                {t('advisories.updating')}
              </Badge>
            )}
          </Group>
          {row.url && (
            <Text size="xs" c="dimmed" fw={400} className="mono break">
              {row.url}
            </Text>
          )}
          {row.problem && (
            <Text size="sm" c="red" fw={400} className="break">
              {t('advisories.problem', { why: row.problem })}
            </Text>
          )}
        </Stack>
      ),
    },
    {
      id: 'count',
      label: t('advisories.count'),
      right: true,
      cell: (row) => format.number(row.advisories),
    },
    {
      id: 'skipped',
      label: t('advisories.skipped'),
      right: true,
      cell: (row) => format.number(row.skipped),
    },
    {
      id: 'newest',
      label: t('advisories.newest'),
      cell: (row) => {
        const time = row.newest_at ?? row.imported_at;
        return (
          <Group gap={6} component="span" display="inline-flex">
            <When time={row.newest_at} />
            {time && daysSince(time) > OLD_DAYS && (
              <Badge
                color="yellow"
                variant="light"
                tt="none"
                leftSection={<IconAlertTriangle size={12} aria-hidden />}
              >
                {t('advisories.old')}
              </Badge>
            )}
          </Group>
        );
      },
    },
    {
      id: 'imported',
      label: t('advisories.imported'),
      cell: (row) => <When time={row.imported_at} />,
    },
    {
      id: 'schedule',
      label: t('advisories.fetched'),
      cell: (row) =>
        row.url ? (
          <Stack gap={0}>
            <ScheduleText kind={row.schedule.type} cron={row.schedule.cron} />
            {row.schedule.next_scheduled_time && (
              <Text size="xs" c="dimmed" component="span">
                {t('schedule.next', { time: format.moment(row.schedule.next_scheduled_time) })}
              </Text>
            )}
          </Stack>
        ) : (
          t('advisories.byHand')
        ),
    },
    {
      id: 'revision',
      label: t('advisories.revision'),
      cell: (row) => (
        <Group gap={4} wrap="nowrap" component="span" display="inline-flex">
          <Text span size="sm" className="mono" title={row.revision}>
            {row.revision.replace('sha256:', '').slice(0, 12)}
          </Text>
          {row.revision && <Copy value={row.revision} label={t('advisories.copyRevision')} />}
        </Group>
      ),
    },
    {
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <Menu position="bottom-end" withArrow>
          <Menu.Target>
            <ActionIcon variant="subtle" aria-label={t('common.more', { name: row.name })}>
              <IconDots size={16} aria-hidden />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {row.url && (
              <Menu.Item disabled={row.updating} onClick={() => fetchNow(row)}>
                {t('advisories.fetchNow')}
              </Menu.Item>
            )}
            <Menu.Item onClick={() => setSending(row.name)}>{t('advisories.send')}</Menu.Item>
            <Menu.Item onClick={() => setEditing(row)}>{t('common.edit')}</Menu.Item>
            <Menu.Item color="red" onClick={() => remove(row)}>
              {t('common.delete')}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      ),
    },
  ];
  return (
    <Screen
      title={t('advisories.title')}
      about={t('advisories.about')}
      actions={
        <Group gap="xs">
          <Button
            variant="default"
            leftSection={<IconUpload size={16} aria-hidden />}
            onClick={() => setSending('')}
          >
            {t('advisories.send')}
          </Button>
          <Button
            leftSection={<IconPlus size={16} aria-hidden />}
            onClick={() => setEditing('new')}
          >
            {t('advisories.create')}
          </Button>
        </Group>
      }
    >
      <DataTable
        label={t('advisories.title')}
        list={{ ...found, data: found.data && { items: found.data, total: found.data.length } }}
        columns={columns}
        keyOf={(row) => row.name}
        empty={
          <Empty
            title={t('advisories.none')}
            next={t('advisories.noneNext')}
            action={<Line text={COMMAND} label={t('common.copyCommand')} />}
          />
        }
      />
      {editing && (
        <FeedForm feed={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />
      )}
      {sending !== null && <FeedFile name={sending} onClose={() => setSending(null)} />}
    </Screen>
  );
}
