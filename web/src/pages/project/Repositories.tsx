/** The repositories of a project, and those that were deleted and can come back. */
import { ActionIcon, Group, SegmentedControl, Tooltip } from '@mantine/core';
import { IconArrowBackUp, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { api, ok, page, type Schemas } from '../../api/client';
import { kept, LIVE, useProject } from '../../api/queries';
import { useT } from '../../i18n';
import { useCan } from '../../lib/access';
import { useAct } from '../../lib/act';
import { useFormat } from '../../lib/format';
import { containing, useListState } from '../../lib/list';
import { shortName } from '../../lib/names';
import { usePlace } from '../../lib/place';
import { overviewOf } from '../../lib/scans';
import { type Column, DataTable } from '../../ui/DataTable';
import { ask } from '../../ui/Dialogs';
import { ArtifactLink, RepositoryLink } from '../../ui/Links';
import { Empty } from '../../ui/Notices';
import { ScanState } from '../../ui/Severity';
import { Search, When } from '../../ui/Small';
import { PushLines } from './Summary';

export function Repositories() {
  const t = useT();
  const state = useListState();
  const { project } = usePlace();
  const { data: facts } = useProject(project);
  const can = useCan(facts?.project_id);
  const deleted = state.filters.show === 'deleted';
  const views = (
    <Group gap="sm" justify="space-between">
      <Search
        label={t('repositories.search')}
        value={state.filters.name ?? ''}
        onChange={(name) => state.setFilters({ name })}
      />
      {can('repository', 'delete') && (
        <SegmentedControl
          size="xs"
          value={deleted ? 'deleted' : 'here'}
          onChange={(show) =>
            state.setFilters({ show: show === 'deleted' ? show : undefined, name: undefined })
          }
          data={[
            { value: 'here', label: t('repositories.title') },
            { value: 'deleted', label: t('repositories.deleted') },
          ]}
        />
      )}
    </Group>
  );
  return deleted ? <Deleted views={views} /> : <Here views={views} can={can} />;
}

function Here(props: { views: React.ReactNode; can: ReturnType<typeof useCan> }) {
  const t = useT();
  const act = useAct();
  const format = useFormat();
  const state = useListState();
  const { project } = usePlace();
  const { name } = state.filters;
  const q = containing({ name });
  const list = useQuery({
    queryKey: ['repositories', project, state.page, state.size, state.sort, q],
    ...kept,
    refetchInterval: LIVE,
    queryFn: () =>
      page(
        api.GET('/projects/{project_name}/repositories', {
          params: {
            path: { project_name: project },
            query: {
              page: state.page,
              page_size: state.size,
              sort: state.sort,
              q,
              with_scan_overview: true,
            },
          },
        }),
      ),
  });
  const remove = async (repository: string) => {
    const sure = await ask({
      title: t('repositories.delete'),
      body: t('repositories.deleteAbout', { name: repository }),
      action: t('common.delete'),
      danger: true,
      typed: repository,
    });
    if (!sure) return;
    const path = { project_name: project, repository_name: repository };
    await act(
      () =>
        ok(
          api.DELETE('/projects/{project_name}/repositories/{repository_name}', {
            params: { path },
          }),
        ),
      {
        done: t('common.deleted', { name: repository }),
        stale: [
          ['repositories', project],
          ['summary', project],
          ['deleted', project],
        ],
      },
    );
  };
  const columns: Column<Schemas['Repository']>[] = [
    {
      id: 'name',
      label: t('common.name'),
      sort: 'name',
      primary: true,
      cell: (row) => <RepositoryLink project={project} repository={shortName(row.name)} />,
    },
    {
      id: 'artifacts',
      label: t('repositories.artifacts'),
      right: true,
      cell: (row) => format.number(row.artifact_count),
    },
    {
      id: 'pulls',
      label: t('repositories.pulls'),
      right: true,
      cell: (row) => format.number(row.pull_count),
    },
    {
      id: 'vulnerabilities',
      label: t('repositories.vulnerabilities'),
      cell: ({ name, newest_scan }) =>
        newest_scan && (
          <ArtifactLink
            project={project}
            repository={shortName(name)}
            reference={newest_scan.digest}
            part="vulnerabilities"
          >
            <ScanState overview={overviewOf(newest_scan)} />
          </ArtifactLink>
        ),
    },
    {
      id: 'updated',
      label: t('common.updated'),
      sort: 'update_time',
      cell: (row) => <When time={row.update_time} />,
    },
  ];
  if (props.can('repository', 'delete')) {
    columns.push({
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <Tooltip label={t('common.delete')}>
          <ActionIcon
            variant="subtle"
            color="red"
            aria-label={`${t('common.delete')} ${shortName(row.name)}`}
            onClick={() => remove(shortName(row.name))}
          >
            <IconTrash size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
      ),
    });
  }
  return (
    <DataTable
      label={t('repositories.title')}
      list={list}
      state={state}
      columns={columns}
      keyOf={(row) => row.id}
      toolbar={props.views}
      empty={
        q ? (
          <Empty title={t('table.nothing')} next={t('table.nothingNext')} />
        ) : (
          <Empty
            title={t('repositories.none')}
            next={t('repositories.noneNext')}
            action={<PushLines project={project} />}
          />
        )
      }
    />
  );
}

function Deleted({ views }: { views: React.ReactNode }) {
  const t = useT();
  const act = useAct();
  const state = useListState();
  const { project } = usePlace();
  const list = useQuery({
    queryKey: ['deleted', project, state.page, state.size],
    ...kept,
    queryFn: () =>
      page(
        api.GET('/projects/{project_name}/deletedrepositories', {
          params: {
            path: { project_name: project },
            query: { page: state.page, page_size: state.size },
          },
        }),
      ),
  });
  const restore = (row: Schemas['DeletedRepository']) =>
    act(
      () =>
        ok(
          api.POST(
            '/projects/{project_name}/deletedrepositories/{deleted_repository_id}/_restore',
            {
              params: { path: { project_name: project, deleted_repository_id: row.id } },
            },
          ),
        ),
      {
        done: t('repositories.restored', { name: shortName(row.name) }),
        stale: [
          ['repositories', project],
          ['summary', project],
          ['deleted', project],
        ],
      },
    );
  const columns: Column<Schemas['DeletedRepository']>[] = [
    { id: 'name', label: t('common.name'), primary: true, cell: (row) => shortName(row.name) },
    {
      id: 'artifacts',
      label: t('repositories.artifacts'),
      right: true,
      cell: (row) => row.artifact_count,
    },
    {
      id: 'at',
      label: t('repositories.deletedAt'),
      cell: (row) => <When time={row.deletion_time} />,
    },
    { id: 'by', label: t('repositories.deletedBy'), cell: (row) => row.deleted_by },
    {
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <Tooltip label={t('common.restore')}>
          <ActionIcon
            variant="subtle"
            aria-label={`${t('common.restore')} ${shortName(row.name)}`}
            onClick={() => restore(row)}
          >
            <IconArrowBackUp size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
      ),
    },
  ];
  return (
    <DataTable
      label={t('repositories.deleted')}
      list={list}
      state={state}
      columns={columns}
      keyOf={(row) => row.id}
      toolbar={views}
      empty={<Empty title={t('repositories.deletedNone')} next={t('repositories.deletedAbout')} />}
    />
  );
}
