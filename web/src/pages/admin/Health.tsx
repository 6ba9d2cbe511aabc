/** Whether all parts of the server work, and how full its storage is. */
import { Progress, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, ok, type Schemas } from '../../api/client';
import { LIVE, useSystemInfo } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useFormat } from '../../lib/format';
import { type Column, DataTable } from '../../ui/DataTable';
import { Figure } from '../../ui/Figure';
import { Empty, Failure, Waiting } from '../../ui/Notices';
import { Screen, Section } from '../../ui/Screen';
import { Status } from '../../ui/Small';

export function Health() {
  const { t, word } = useI18n();
  const format = useFormat();
  const { data: info } = useSystemInfo();
  const health = useQuery({
    queryKey: ['health'],
    refetchInterval: LIVE * 2,
    queryFn: () => ok(api.GET('/health')),
  });
  const statistics = useQuery({
    queryKey: ['statistics'],
    queryFn: () => ok(api.GET('/statistics')),
  });
  const columns: Column<Schemas['ComponentHealthStatus']>[] = [
    { id: 'name', label: t('health.part'), primary: true, cell: (row) => word('parts', row.name) },
    { id: 'status', label: t('common.status'), cell: (row) => <Status status={row.status} /> },
    { id: 'error', label: t('health.why'), cell: (row) => row.error ?? '' },
  ];
  const parts = health.data?.components;
  const counts = statistics.data;
  return (
    <Screen title={t('health.title')}>
      <Stack gap="xl">
        <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
          <Figure
            label={t('common.status')}
            value={health.data ? word('status', health.data.status) : '…'}
          />
          <Figure label={t('health.version')} value={info?.harbor_version ?? '…'} />
          <Figure
            label={t('projects.figureRepositories')}
            value={format.number(counts?.total_repo_count ?? 0)}
          />
          <Figure
            label={t('projects.figureStorage')}
            value={format.bytes(counts?.total_storage_consumption ?? 0)}
          />
        </SimpleGrid>
        <Section title={t('health.parts')}>
          <DataTable
            label={t('health.parts')}
            list={{ ...health, data: parts && { items: parts, total: parts.length } }}
            columns={columns}
            keyOf={(row) => row.name}
            empty={<Empty title={t('table.nothing')} />}
          />
        </Section>
        <Disks />
      </Stack>
    </Screen>
  );
}

function Disks() {
  const { t } = useI18n();
  const format = useFormat();
  const { data, error, refetch } = useQuery({
    queryKey: ['volumes'],
    refetchInterval: LIVE * 4,
    queryFn: () => ok(api.GET('/systeminfo/volumes')),
  });
  return (
    <Section title={t('health.storage')} about={t('health.storageAbout')}>
      {error && !data && <Failure error={error} retry={() => refetch()} />}
      {!error && !data && <Waiting />}
      {data?.storage.map((disk, number) => {
        const used = disk.total - disk.free;
        const share = disk.total > 0 ? used / disk.total : 0;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: disks have no names and keep their order
          <div key={number} className="surface" style={{ padding: 'var(--mantine-spacing-md)' }}>
            <Text size="sm" mb={6}>
              {t('health.free', {
                free: format.bytes(disk.free),
                total: format.bytes(disk.total),
                share: format.percent(share),
              })}
            </Text>
            <Progress
              value={share * 100}
              size="lg"
              color={share > 0.9 ? 'red' : share > 0.8 ? 'yellow' : undefined}
              aria-label={t('health.storage')}
            />
          </div>
        );
      })}
    </Section>
  );
}
