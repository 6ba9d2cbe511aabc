/** A repository: its artifacts as a table to work with. */
import { Button, Group, NativeSelect, Stack, Text, Textarea } from '@mantine/core';
import { IconTag, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, page } from '../../api/client';
import { kept, LIVE, useProject } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useCan } from '../../lib/access';
import { useDone } from '../../lib/act';
import { type Artifact, isIndex, nameOf } from '../../lib/artifacts';
import { plain, useListState } from '../../lib/list';
import { usePlace } from '../../lib/place';
import { sbomOf } from '../../lib/sboms';
import { isScannable, overviewOf } from '../../lib/scans';
import { Accessories, Labels, Platforms, PullMenu, Tags } from '../../ui/ArtifactParts';
import { type Column, DataTable } from '../../ui/DataTable';
import { ask, FormDialog } from '../../ui/Dialogs';
import { ArtifactLink } from '../../ui/Links';
import { Empty } from '../../ui/Notices';
import { Openable } from '../../ui/Openable';
import { Screen } from '../../ui/Screen';
import { ScanState } from '../../ui/Severity';
import { Bytes, Copy, Search, shortDigest, When } from '../../ui/Small';
import { PushLines } from '../project/Summary';
import { useDeletion } from './deletion';
import { LabelDialog } from './LabelDialog';
import { PlatformTree } from './PlatformTree';
import { isUnderWay, SCAN_KINDS, SCAN_LIVE, ScanButtons } from './scanning';

export function RepositoryPage() {
  const { t, word } = useI18n();
  const state = useListState();
  const { project, repository } = usePlace();
  const at = { project, repository };
  const { data: facts } = useProject(project);
  const can = useCan(facts?.project_id);
  const [chosen, setChosen] = useState<Set<string>>(new Set());
  const [labelling, setLabelling] = useState(false);
  const { tag, show } = state.filters;
  const conditions = [
    tag ? `tags=~${plain(tag)}` : '',
    show === 'untagged' ? 'tags=nil' : '',
    show === 'tagged' ? 'tags=*' : '',
  ].filter(Boolean);
  const q = conditions.join(',') || undefined;
  const list = useQuery({
    queryKey: ['artifacts', project, repository, state.page, state.size, state.sort, q],
    ...kept,
    refetchInterval: (query) =>
      query.state.data?.items.some((one) => SCAN_KINDS.some((kind) => isUnderWay(one, kind)))
        ? SCAN_LIVE
        : LIVE,
    queryFn: () =>
      page(
        api.GET('/projects/{project_name}/repositories/{repository_name}/artifacts', {
          params: {
            path: { project_name: project, repository_name: repository },
            query: {
              page: state.page,
              page_size: state.size,
              sort: state.sort ?? '-push_time',
              q,
              with_tag: true,
              with_label: true,
              with_accessory: true,
              with_immutable_status: true,
              with_scan_overview: true,
              with_sbom_overview: true,
            },
          },
        }),
      ),
  });
  const remove = useDeletion(at);
  const rows = (list.data?.items ?? []).filter((row) => chosen.has(row.digest));
  const removeChosen = async () => {
    const sure = await ask({
      title: t('artifacts.delete'),
      body: t('artifacts.deleteAbout', { count: rows.length }),
      action: t('common.delete'),
      danger: true,
    });
    if (!sure) return;
    await remove.artifacts(rows);
    setChosen(new Set());
  };
  const columns: Column<Artifact>[] = [
    {
      id: 'artifact',
      label: t('artifacts.artifact'),
      primary: true,
      cell: (row) => (
        <>
          <Group gap={4} wrap="nowrap">
            <ArtifactLink {...at} reference={row.digest}>
              <span className="mono nowrap">{shortDigest(row.digest)}</span>
            </ArtifactLink>
            <Copy value={row.digest} label={t('common.copyDigest')} />
          </Group>
          <SbomState artifact={row} />
          {isIndex(row) && (
            <Openable label={t('artifacts.platforms', { count: row.references?.length ?? 0 })}>
              <PlatformTree artifact={row} at={at} />
            </Openable>
          )}
          {(row.accessories?.length ?? 0) > 0 && (
            <Openable label={t('artifacts.accessories', { count: row.accessories?.length ?? 0 })}>
              <Accessories artifact={row} at={at} />
            </Openable>
          )}
        </>
      ),
    },
    {
      id: 'tags',
      label: t('artifacts.tags'),
      cell: (row) => (
        <Stack gap={4} align="flex-start">
          <Tags artifact={row} at={at} />
          {(row.labels?.length ?? 0) > 0 && <Labels artifact={row} />}
        </Stack>
      ),
    },
    {
      id: 'kind',
      label: t('common.kind'),
      cell: (row) => (
        <div>
          {word('kinds', row.type)}
          <Text size="sm" c="dimmed" component="div">
            <Platforms artifact={row} />
          </Text>
        </div>
      ),
    },
    {
      id: 'size',
      label: t('common.size'),
      sort: 'size',
      right: true,
      cell: (row) => <Bytes size={row.size} />,
    },
    {
      id: 'vulnerabilities',
      label: t('vulnerabilities.title'),
      cell: (row) =>
        isScannable(row) && (
          <ArtifactLink {...at} reference={row.digest} part="vulnerabilities">
            <ScanState overview={overviewOf(row)} index={isIndex(row)} />
          </ArtifactLink>
        ),
    },
    {
      id: 'pushed',
      label: t('artifacts.pushed'),
      sort: 'push_time',
      cell: (row) => <When time={row.push_time} />,
    },
    {
      id: 'pulled',
      label: t('artifacts.pulled'),
      sort: 'pull_time',
      cell: (row) => <When time={row.pull_time} />,
    },
    {
      id: 'pull',
      label: '',
      right: true,
      cell: (row) => <PullMenu artifact={row} name={nameOf(row)} />,
    },
  ];
  const may = { scan: can('scan', 'create'), stop: can('scan', 'stop') };
  const mayBill = { scan: can('sbom', 'create'), stop: can('sbom', 'stop') };
  const selects =
    may.scan || mayBill.scan || can('artifact', 'delete') || can('artifact-label', 'create');
  return (
    <Screen
      title={repository}
      crumbs={[
        { label: t('projects.title'), to: '/projects' },
        { label: project, to: `/projects/${encodeURIComponent(project)}` },
        {
          label: t('repositories.title'),
          to: `/projects/${encodeURIComponent(project)}/repositories`,
        },
      ]}
      about={<About can={can('repository', 'update')} />}
    >
      <DataTable
        label={t('artifacts.title')}
        list={list}
        state={state}
        columns={columns}
        keyOf={(row) => row.digest}
        nameOf={nameOf}
        selection={selects ? { chosen, set: setChosen } : undefined}
        toolbar={
          <Group justify="space-between" gap="sm">
            <Group gap="sm">
              <Search
                label={t('artifacts.search')}
                value={tag ?? ''}
                onChange={(value) => state.setFilters({ tag: value })}
              />
              <NativeSelect
                aria-label={t('artifacts.show')}
                value={show ?? ''}
                onChange={(event) => state.setFilters({ show: event.currentTarget.value })}
                data={[
                  { value: '', label: t('artifacts.all') },
                  { value: 'tagged', label: t('artifacts.tagged') },
                  { value: 'untagged', label: t('artifacts.untagged') },
                ]}
              />
            </Group>
            {rows.length > 0 && (
              <Group gap="xs">
                <Text size="sm" aria-live="polite">
                  {t('table.chosen', { count: rows.length })}
                </Text>
                <ScanButtons at={at} artifacts={rows} may={may} size="xs" />
                <ScanButtons at={at} artifacts={rows} may={mayBill} size="xs" kind="sbom" named />
                {can('artifact-label', 'create') && (
                  <Button
                    size="xs"
                    variant="default"
                    leftSection={<IconTag size={14} aria-hidden />}
                    onClick={() => setLabelling(true)}
                  >
                    {t('artifacts.labels')}
                  </Button>
                )}
                {can('artifact', 'delete') && (
                  <Button
                    size="xs"
                    color="red"
                    leftSection={<IconTrash size={14} aria-hidden />}
                    onClick={removeChosen}
                  >
                    {t('common.delete')}
                  </Button>
                )}
              </Group>
            )}
          </Group>
        }
        empty={
          q ? (
            <Empty title={t('table.nothing')} next={t('table.nothingNext')} />
          ) : (
            <Empty
              title={t('artifacts.none')}
              next={t('artifacts.noneNext')}
              action={<PushLines project={project} />}
            />
          )
        }
      />
      {labelling && facts && (
        <LabelDialog
          at={at}
          projectId={facts.project_id}
          artifacts={rows}
          onClose={() => setLabelling(false)}
        />
      )}
    </Screen>
  );
}

/** Says of an SBOM what attachments do not: that it is on its way, or could not be made. */
function SbomState({ artifact }: { artifact: Artifact }) {
  const { t } = useI18n();
  const failed = sbomOf(artifact)?.scan_status.toLowerCase() === 'error';
  if (!failed && !isUnderWay(artifact, 'sbom')) return null;
  return (
    <Text size="xs" c="dimmed" fw={400}>
      {t(failed ? 'sboms.failedInList' : 'sboms.inList')}
    </Text>
  );
}

/** What the repository holds, in its keepers' words. */
function About({ can }: { can: boolean }) {
  const { t } = useI18n();
  const { project, repository } = usePlace();
  const path = { project_name: project, repository_name: repository };
  const { data } = useQuery({
    queryKey: ['repository', project, repository],
    queryFn: () =>
      ok(api.GET('/projects/{project_name}/repositories/{repository_name}', { params: { path } })),
  });
  const [editing, setEditing] = useState(false);
  if (!data) return null;
  return (
    <>
      <span style={{ whiteSpace: 'pre-wrap' }}>
        {data.description || t('repositories.aboutEmpty')}
      </span>{' '}
      {can && (
        <Button size="compact-xs" variant="subtle" onClick={() => setEditing(true)}>
          {t('common.edit')}
        </Button>
      )}
      {editing && (
        <EditAbout text={data.description} path={path} onClose={() => setEditing(false)} />
      )}
    </>
  );
}

function EditAbout(props: {
  text: string;
  path: { project_name: string; repository_name: string };
  onClose: () => void;
}) {
  const { t } = useI18n();
  const done = useDone();
  const [text, setText] = useState(props.text);
  return (
    <FormDialog
      title={t('repositories.about')}
      action={t('common.save')}
      onClose={props.onClose}
      onSubmit={async () => {
        await ok(
          api.PUT('/projects/{project_name}/repositories/{repository_name}', {
            params: { path: props.path },
            body: { description: text },
          }),
        );
        await done({ done: t('common.saved'), stale: [['repository']] });
      }}
    >
      <Textarea
        label={t('repositories.about')}
        description={t('repositories.aboutHint')}
        autosize
        minRows={4}
        maxRows={16}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        data-autofocus
      />
    </FormDialog>
  );
}
