/** Feeds of advisories: what images are held against, and how old that is. */
import { Badge, Group, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { api, ok, type Schemas } from '../../api/client';
import { useI18n } from '../../i18n';
import { useFormat } from '../../lib/format';
import { daysSince, OLD_DAYS } from '../../lib/scans';
import { type Column, DataTable } from '../../ui/DataTable';
import { Empty } from '../../ui/Notices';
import { Screen } from '../../ui/Screen';
import { Copy, Line, When } from '../../ui/Small';

type Feed = Schemas['AdvisoryFeed'];

/** The same everywhere: it is typed into a shell. */
const COMMAND = 'berth vulndb import Debian.zip';

export function Advisories() {
  const { t } = useI18n();
  const format = useFormat();
  const found = useQuery({
    queryKey: ['advisories'],
    refetchInterval: 15_000,
    queryFn: () => ok(api.GET('/advisories/feeds')),
  });
  const columns: Column<Feed>[] = [
    { id: 'name', label: t('advisories.name'), primary: true, cell: (row) => row.name },
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
      id: 'revision',
      label: t('advisories.revision'),
      cell: (row) => (
        <Group gap={4} wrap="nowrap" component="span" display="inline-flex">
          <Text span size="sm" className="mono" title={row.revision}>
            {row.revision.slice(0, 12)}
          </Text>
          <Copy value={row.revision} label={t('advisories.copyRevision')} />
        </Group>
      ),
    },
  ];
  return (
    <Screen title={t('advisories.title')} about={t('advisories.about')}>
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
    </Screen>
  );
}
