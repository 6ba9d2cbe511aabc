/** The packages that an SBOM lists: to search, to filter, to order. */
import { Group, NativeSelect, Stack, Text } from '@mantine/core';
import { type ReactNode, useMemo } from 'react';
import { useI18n } from '../../i18n';
import { useListState } from '../../lib/list';
import { kindsOf, type Package, sorted, wantedOf } from '../../lib/sboms';
import { type Column, DataTable } from '../../ui/DataTable';
import { Empty } from '../../ui/Notices';
import { Openable } from '../../ui/Openable';
import { Search } from '../../ui/Small';

interface Props {
  packages: Package[];
  downloads: ReactNode;
}

export function Packages({ packages, downloads }: Props) {
  const { t, word } = useI18n();
  const state = useListState();
  const { kind, find } = state.filters;
  const { sort } = state;
  const kinds = useMemo(() => kindsOf(packages), [packages]);
  const rows = useMemo(
    () => sorted(wantedOf(packages, { kind, find }), sort),
    [packages, kind, find, sort],
  );
  const first = (Math.min(state.page, Math.ceil(rows.length / state.size) || 1) - 1) * state.size;
  const called = (one: string) => (one === '' ? t('sboms.otherKind') : word('packageKinds', one));
  const columns: Column<Package>[] = [
    {
      id: 'name',
      label: t('sboms.package'),
      sort: 'name',
      primary: true,
      cell: (row) => (
        <>
          <span className="break">{row.name}</span>
          {(row.purl || row.source) && (
            <Openable label={t('sboms.details', { name: row.name })}>
              <Details row={row} />
            </Openable>
          )}
        </>
      ),
    },
    {
      id: 'version',
      label: t('sboms.version'),
      cell: (row) => <span className="mono break">{row.version}</span>,
    },
    {
      id: 'licence',
      label: t('sboms.licence'),
      sort: 'licence',
      cell: (row) =>
        row.licence ? (
          <span className="break">{row.licence}</span>
        ) : (
          <Text span size="sm" c="dimmed">
            {t('sboms.noLicence')}
          </Text>
        ),
    },
    {
      id: 'kind',
      label: t('common.kind'),
      sort: 'kind',
      nowrap: true,
      cell: (row) => called(row.kind),
    },
  ];
  return (
    <DataTable
      label={t('sboms.packages')}
      list={{
        data: { items: rows.slice(first, first + state.size), total: rows.length },
        error: null,
        isPending: false,
        refetch: () => undefined,
      }}
      state={state}
      columns={columns}
      keyOf={(row) => row.key}
      toolbar={
        <Group justify="space-between" gap="sm">
          <Group gap="sm">
            <Search
              label={t('sboms.find')}
              value={find ?? ''}
              onChange={(value) => state.setFilters({ find: value })}
            />
            <NativeSelect
              aria-label={t('common.kind')}
              value={kind ?? ''}
              onChange={(event) => state.setFilters({ kind: event.currentTarget.value })}
              data={[
                { value: '', label: t('sboms.anyKind') },
                ...kinds
                  .filter(([one]) => one !== '')
                  .map(([one, count]) => ({
                    value: one,
                    label: t('sboms.kindCount', { kind: called(one), count }),
                  })),
              ]}
            />
          </Group>
          {downloads}
        </Group>
      }
      empty={
        packages.length > 0 ? (
          <Empty title={t('table.nothing')} next={t('table.nothingNext')} />
        ) : (
          <Empty title={t('sboms.empty')} next={t('sboms.emptyNext')} />
        )
      }
    />
  );
}

function Details({ row }: { row: Package }) {
  const { t } = useI18n();
  const facts: [string, string][] = [
    [t('sboms.purl'), row.purl],
    [t('sboms.source'), row.source],
  ];
  return (
    <Stack gap="xs" py="xs" maw="70ch" fw={400}>
      {facts
        .filter(([, value]) => value !== '')
        .map(([label, value]) => (
          <Text key={label} size="sm" className="break">
            <b>{label}</b> <span className="mono">{value}</span>
          </Text>
        ))}
    </Stack>
  );
}
