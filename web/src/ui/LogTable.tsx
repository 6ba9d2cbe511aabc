/** Lines of the access log, of one project or of all. */
import { Badge, Group, NativeSelect, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, page, type Schemas } from '../api/client';
import { kept, LIVE } from '../api/queries';
import { useI18n } from '../i18n';
import { containing, plain, useListState } from '../lib/list';
import { type Column, DataTable } from './DataTable';
import { Empty } from './Notices';
import { Moment, Search } from './Small';

type Row = Schemas['AuditLogExt'];

const OPERATIONS = ['create', 'pull', 'delete', 'update', 'restore', 'login', 'logout'];

function condition(filters: Record<string, string | undefined>): string | undefined {
  const parts = [containing({ username: filters.user, resource: filters.resource })];
  if (filters.operation) parts.push(`operation=${plain(filters.operation)}`);
  if (filters.since) parts.push(`op_time=[${plain(filters.since)}T00:00:00~]`);
  return parts.filter(Boolean).join(',') || undefined;
}

export function LogTable({ project }: { project?: string }) {
  const { t, word } = useI18n();
  const state = useListState();
  const { filters } = state;
  const q = condition(filters);
  const list = useQuery({
    queryKey: ['logs', project, state.page, state.size, q],
    ...kept,
    refetchInterval: LIVE,
    queryFn: () => {
      const query = { page: state.page, page_size: state.size, q };
      return page(
        project
          ? api.GET('/projects/{project_name}/auditlog-exts', {
              params: { path: { project_name: project }, query },
            })
          : api.GET('/auditlog-exts', { params: { query } }),
      );
    },
  });
  const columns: Column<Row>[] = [
    { id: 'time', label: t('logs.time'), cell: (row) => <Moment time={row.op_time} /> },
    { id: 'user', label: t('logs.user'), cell: (row) => row.username },
    {
      id: 'operation',
      label: t('logs.operation'),
      cell: (row) => (
        <Group gap={6} wrap="nowrap">
          <span className="nowrap">{word('operations', row.operation)}</span>
          {row.times && row.times > 1 ? (
            <Text span size="xs" c="dimmed" className="nowrap">
              {t('logs.times', { count: row.times })}
            </Text>
          ) : null}
        </Group>
      ),
    },
    {
      id: 'kind',
      label: t('logs.kind'),
      nowrap: true,
      cell: (row) => word('resourceTypes', row.resource_type),
    },
    {
      id: 'resource',
      label: t('logs.resource'),
      primary: true,
      cell: (row) => (
        <span className="break" title={row.operation_description}>
          {row.resource}
        </span>
      ),
    },
    {
      id: 'result',
      label: t('logs.result'),
      cell: (row) => (
        <Badge variant="light" tt="none" color={row.operation_result ? 'green' : 'red'}>
          {row.operation_result ? t('logs.ok') : t('logs.refused')}
        </Badge>
      ),
    },
  ];
  return (
    <DataTable
      label={t('logs.title')}
      list={list}
      state={state}
      columns={columns}
      keyOf={(row) => row.id}
      toolbar={
        <Group gap="sm">
          <Search
            label={t('logs.filterUser')}
            value={filters.user ?? ''}
            onChange={(user) => state.setFilters({ user })}
          />
          <Search
            label={t('logs.filterResource')}
            value={filters.resource ?? ''}
            onChange={(resource) => state.setFilters({ resource })}
          />
          <NativeSelect
            aria-label={t('logs.operation')}
            value={filters.operation ?? ''}
            onChange={(event) => state.setFilters({ operation: event.currentTarget.value })}
            data={[
              { value: '', label: t('logs.anyOperation') },
              ...OPERATIONS.map((value) => ({ value, label: word('operations', value) })),
            ]}
          />
          <TextInput
            type="date"
            aria-label={t('logs.since')}
            title={t('logs.since')}
            value={filters.since ?? ''}
            onChange={(event) => state.setFilters({ since: event.currentTarget.value })}
          />
        </Group>
      }
      empty={
        q ? (
          <Empty title={t('table.nothing')} next={t('table.nothingNext')} />
        ) : (
          <Empty title={t('logs.none')} next={t('logs.noneNext')} />
        )
      }
    />
  );
}
