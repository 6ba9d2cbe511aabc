/** What a tag pointed to, and the way back to it. */
import { Alert, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, ok, page, type Schemas } from '../../api/client';
import { kept, LIVE, useProject } from '../../api/queries';
import { useT } from '../../i18n';
import { useCan } from '../../lib/access';
import { useAct } from '../../lib/act';
import { useListState } from '../../lib/list';
import { usePlace } from '../../lib/place';
import { type Column, DataTable } from '../../ui/DataTable';
import { ask } from '../../ui/Dialogs';
import { ArtifactLink } from '../../ui/Links';
import { Empty } from '../../ui/Notices';
import { Screen } from '../../ui/Screen';
import { Moment, Status, shortDigest } from '../../ui/Small';
import { useDeletion } from './deletion';

type Span = Schemas['TagSpan'];

export function TagHistory() {
  const t = useT();
  const act = useAct();
  const state = useListState();
  const { project, repository, tag } = usePlace();
  const at = { project, repository };
  const { data: facts } = useProject(project);
  const can = useCan(facts?.project_id);
  const remove = useDeletion(at);
  const path = { project_name: project, repository_name: repository, tag_name: tag };
  const list = useQuery({
    queryKey: ['history', project, repository, tag, state.page, state.size],
    ...kept,
    refetchInterval: LIVE,
    queryFn: () =>
      page(
        api.GET('/projects/{project_name}/repositories/{repository_name}/tags/{tag_name}/history', {
          params: { path, query: { page: state.page, page_size: state.size } },
        }),
      ),
  });
  const restore = (digest: string) =>
    act(
      () =>
        ok(
          api.POST(
            '/projects/{project_name}/repositories/{repository_name}/tags/{tag_name}/_restore',
            { params: { path }, body: { digest } },
          ),
        ),
      {
        done: t('artifacts.back', { name: tag }),
        stale: [
          ['history', project, repository],
          ['artifacts', project, repository],
        ],
      },
    );
  const current = list.data?.items.find((span) => span.state === 'current');
  const removeTag = async () => {
    if (!current) return;
    const sure = await ask({
      title: t('artifacts.deleteTag'),
      body: t('artifacts.deleteTagAbout', { name: tag }),
      action: t('common.delete'),
      danger: true,
    });
    if (sure) await remove.tag(current.digest, tag);
  };
  const columns: Column<Span>[] = [
    {
      id: 'artifact',
      label: t('artifacts.artifact'),
      primary: true,
      cell: (row) =>
        row.state === 'current' || row.state === 'held' ? (
          <ArtifactLink {...at} reference={row.digest}>
            <span className="mono">{shortDigest(row.digest)}</span>
          </ArtifactLink>
        ) : (
          <span className="mono">{shortDigest(row.digest)}</span>
        ),
    },
    { id: 'state', label: t('common.status'), cell: (row) => <Status status={row.state} /> },
    { id: 'from', label: t('artifacts.from'), cell: (row) => <Moment time={row.from} /> },
    { id: 'fromBy', label: t('artifacts.fromBy'), cell: (row) => row.from_by },
    {
      id: 'to',
      label: t('artifacts.to'),
      cell: (row) => (row.to ? <Moment time={row.to} /> : t('artifacts.still')),
    },
    { id: 'toBy', label: t('artifacts.toBy'), cell: (row) => row.to_by ?? '' },
  ];
  if (can('repository', 'push')) {
    columns.push({
      id: 'actions',
      label: '',
      right: true,
      cell: (row) =>
        row.state === 'held' || row.state === 'deleted' ? (
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => restore(row.digest)}
            aria-label={`${t('common.restore')} ${shortDigest(row.digest)}`}
          >
            {t('common.restore')}
          </Button>
        ) : null,
    });
  }
  return (
    <Screen
      title={tag}
      about={t('artifacts.historyAbout')}
      crumbs={[
        { label: t('projects.title'), to: '/projects' },
        { label: project, to: `/projects/${encodeURIComponent(project)}` },
        {
          label: repository,
          to: `/projects/${encodeURIComponent(project)}/repositories/${encodeURIComponent(repository)}`,
        },
      ]}
      actions={
        current &&
        can('tag', 'delete') && (
          <Button color="red" variant="light" onClick={removeTag}>
            {t('artifacts.deleteTag')}
          </Button>
        )
      }
    >
      {list.data && list.data.items.length > 0 && state.page === 1 && !current && (
        <Alert color="yellow" variant="light">
          {t('artifacts.tagGone')}
        </Alert>
      )}
      <DataTable
        label={t('artifacts.history')}
        list={list}
        state={state}
        columns={columns}
        keyOf={(row) => `${row.digest} ${row.from}`}
        empty={<Empty title={t('artifacts.historyNone')} next={t('artifacts.historyNext')} />}
      />
    </Screen>
  );
}
