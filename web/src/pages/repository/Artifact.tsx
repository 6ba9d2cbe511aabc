/** One artifact: what it is made of, what belongs to it, and how to fetch it. */
import { Button, Group, Paper, Stack, Table, Tabs, TextInput } from '@mantine/core';
import { IconCopy, IconPlus, IconTag } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok } from '../../api/client';
import { LIVE, useProject } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useCan, useSession } from '../../lib/access';
import { useDone } from '../../lib/act';
import { type Artifact, isIndex, platformsOf } from '../../lib/artifacts';
import { useListState } from '../../lib/list';
import { usePlace } from '../../lib/place';
import { hasSbom } from '../../lib/sboms';
import { isScannable, overviewOf } from '../../lib/scans';
import { Accessories, Labels, PullCommands, Tags } from '../../ui/ArtifactParts';
import { FormDialog } from '../../ui/Dialogs';
import { Empty, Failure, Waiting } from '../../ui/Notices';
import { Screen } from '../../ui/Screen';
import { ScanState } from '../../ui/Severity';
import { Bytes, Digest, Moment, shortDigest } from '../../ui/Small';
import { Addition, BuildHistory, Dependencies, Layers } from './additions';
import { CopyDialog } from './CopyDialog';
import { LabelDialog } from './LabelDialog';
import { PlatformTree } from './PlatformTree';
import { Sbom } from './Sbom';
import { isUnderWay, SCAN_KINDS, SCAN_LIVE } from './scanning';
import { Vulnerabilities } from './Vulnerabilities';

export function ArtifactPage() {
  const { t } = useI18n();
  const { project, repository, reference } = usePlace();
  const at = { project, repository };
  const { data: facts } = useProject(project);
  const can = useCan(facts?.project_id);
  const { user } = useSession();
  const [labelling, setLabelling] = useState(false);
  const [tagging, setTagging] = useState(false);
  const [copying, setCopying] = useState(false);
  const found = useQuery({
    queryKey: ['artifact', project, repository, reference],
    refetchInterval: (query) =>
      SCAN_KINDS.some((kind) => query.state.data && isUnderWay(query.state.data, kind))
        ? SCAN_LIVE
        : LIVE * 2,
    queryFn: () =>
      ok(
        api.GET('/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}', {
          params: {
            path: { project_name: project, repository_name: repository, reference },
            query: {
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
  const artifact = found.data;
  const base = `/projects/${encodeURIComponent(project)}`;
  return (
    <Screen
      title={artifact ? shortDigest(artifact.digest) : reference}
      crumbs={[
        { label: t('projects.title'), to: '/projects' },
        { label: project, to: base },
        { label: repository, to: `${base}/repositories/${encodeURIComponent(repository)}` },
      ]}
      actions={
        artifact && (
          <>
            {can('artifact-label', 'create') && (
              <Button
                variant="default"
                leftSection={<IconTag size={16} aria-hidden />}
                onClick={() => setLabelling(true)}
              >
                {t('artifacts.labels')}
              </Button>
            )}
            {user && (
              <Button
                variant="default"
                leftSection={<IconCopy size={16} aria-hidden />}
                onClick={() => setCopying(true)}
              >
                {t('artifacts.copy')}
              </Button>
            )}
            {can('tag', 'create') && (
              <Button
                variant="default"
                leftSection={<IconPlus size={16} aria-hidden />}
                onClick={() => setTagging(true)}
              >
                {t('artifacts.addTag')}
              </Button>
            )}
          </>
        )
      }
    >
      {found.error && !artifact && <Failure error={found.error} retry={() => found.refetch()} />}
      {!found.error && !artifact && <Waiting />}
      {artifact && (
        <>
          <Facts artifact={artifact} />
          <Parts artifact={artifact} />
        </>
      )}
      {labelling && facts && artifact && (
        <LabelDialog
          at={at}
          projectId={facts.project_id}
          artifacts={[artifact]}
          onClose={() => setLabelling(false)}
        />
      )}
      {copying && artifact && (
        <CopyDialog at={at} artifact={artifact} onClose={() => setCopying(false)} />
      )}
      {tagging && artifact && <AddTag digest={artifact.digest} onClose={() => setTagging(false)} />}
    </Screen>
  );
}

function Facts({ artifact }: { artifact: Artifact }) {
  const { t, word } = useI18n();
  const at = usePlace();
  const rows: [string, React.ReactNode][] = [
    [t('artifacts.digest'), <Digest key="digest" digest={artifact.digest} />],
    [t('artifacts.tags'), <Tags key="tags" artifact={artifact} at={at} />],
    [t('common.kind'), word('kinds', artifact.type)],
    [
      t('artifacts.mediaType'),
      <span key="type" className="mono break">
        {artifact.manifest_media_type}
      </span>,
    ],
    [t('common.size'), <Bytes key="size" size={artifact.size} />],
    [t('artifacts.pushed'), <Moment key="pushed" time={artifact.push_time} />],
    [t('artifacts.pulled'), <Moment key="pulled" time={artifact.pull_time} />],
  ];
  const platforms = platformsOf(artifact);
  if (isScannable(artifact)) {
    const overview = overviewOf(artifact);
    rows.push([
      t('vulnerabilities.title'),
      <ScanState key="scan" overview={overview} index={isIndex(artifact)} />,
    ]);
  }
  if (platforms.length > 0) rows.push([t('artifacts.platform'), platforms.join(', ')]);
  if ((artifact.labels?.length ?? 0) > 0) {
    rows.push([t('artifacts.labels'), <Labels key="labels" artifact={artifact} />]);
  }
  return (
    <Stack gap="md">
      <Paper withBorder style={{ overflow: 'hidden' }}>
        <Table variant="vertical" layout="auto" aria-label={t('artifacts.overview')}>
          <Table.Tbody>
            {rows.map(([label, value]) => (
              <Table.Tr key={label}>
                <Table.Th w={{ base: 110, sm: 180 }}>{label}</Table.Th>
                <Table.Td className="break">{value}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Paper>
      <PullCommands artifact={artifact} />
    </Stack>
  );
}

/** What there is to show of this artifact; the address keeps which part is open. */
function Parts({ artifact }: { artifact: Artifact }) {
  const { t } = useI18n();
  const state = useListState();
  const at = usePlace();
  const has = (name: string) => name in artifact.addition_links;
  const annotations = Object.entries(artifact.annotations ?? {});
  const attributes = Object.entries(artifact.extra_attrs ?? {});
  const parts: { id: string; label: string; body: React.ReactNode }[] = [];
  if (isIndex(artifact)) {
    parts.push({
      id: 'index',
      label: t('artifacts.index'),
      body: <PlatformTree artifact={artifact} at={at} />,
    });
  } else {
    parts.push({
      id: 'layers',
      label: t('artifacts.layers'),
      body: <Layers artifact={artifact} at={at} />,
    });
  }
  if (isScannable(artifact)) {
    parts.push({
      id: 'vulnerabilities',
      label: t('vulnerabilities.title'),
      body: <Vulnerabilities artifact={artifact} at={at} />,
    });
  }
  if (isScannable(artifact) || hasSbom(artifact)) {
    parts.push({
      id: 'sbom',
      label: t('sboms.title'),
      body: <Sbom artifact={artifact} at={at} />,
    });
  }
  if (has('build_history')) {
    parts.push({
      id: 'history',
      label: t('artifacts.buildHistory'),
      body: <BuildHistory artifact={artifact} at={at} />,
    });
  }
  if (has('readme.md')) {
    parts.push({
      id: 'readme',
      label: t('artifacts.readme'),
      body: <Addition artifact={artifact} at={at} name="readme.md" />,
    });
  }
  if (has('values.yaml')) {
    parts.push({
      id: 'values',
      label: t('artifacts.values'),
      body: <Addition artifact={artifact} at={at} name="values.yaml" />,
    });
  }
  if (has('dependencies')) {
    parts.push({
      id: 'dependencies',
      label: t('artifacts.dependencies'),
      body: <Dependencies artifact={artifact} at={at} />,
    });
  }
  if (attributes.length > 0) {
    parts.push({
      id: 'attributes',
      label: t('artifacts.attributes'),
      body: <Pairs label={t('artifacts.attributes')} pairs={attributes} />,
    });
  }
  if (annotations.length > 0) {
    parts.push({
      id: 'annotations',
      label: t('artifacts.annotations'),
      body: <Pairs label={t('artifacts.annotations')} pairs={annotations} />,
    });
  }
  parts.push({
    id: 'attached',
    label: t('artifacts.attached'),
    body:
      (artifact.accessories?.length ?? 0) > 0 ? (
        <Accessories artifact={artifact} at={at} />
      ) : (
        <Empty title={t('artifacts.attachedNone')} next={t('artifacts.attachedAbout')} />
      ),
  });
  const first = parts[0]?.id ?? '';
  const wanted = state.filters.part ?? first;
  const current = parts.some((part) => part.id === wanted) ? wanted : first;
  return (
    <Tabs
      value={current}
      onChange={(part) => {
        // What filtered one part means nothing to the next.
        const none = Object.fromEntries(
          Object.keys(state.filters).map((name) => [name, undefined]),
        );
        state.setFilters({
          ...none,
          sort: undefined,
          part: part === first ? undefined : (part ?? ''),
        });
      }}
      keepMounted={false}
    >
      <Tabs.List aria-label={t('artifacts.parts')}>
        {parts.map(({ id, label }) => (
          <Tabs.Tab key={id} value={id}>
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {parts.map(({ id, body }) => (
        <Tabs.Panel key={id} value={id} pt="md">
          {body}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

function Pairs({ label, pairs }: { label: string; pairs: [string, unknown][] }) {
  return (
    <Paper withBorder style={{ overflow: 'hidden' }}>
      <Table aria-label={label} variant="vertical" layout="fixed">
        <Table.Tbody>
          {pairs.map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th className="break" fw={500}>
                {name}
              </Table.Th>
              <Table.Td className="break mono" w="65%" style={{ whiteSpace: 'pre-wrap' }}>
                {typeof value === 'string' ? value : JSON.stringify(value, null, 2)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}

function AddTag({ digest, onClose }: { digest: string; onClose: () => void }) {
  const { t } = useI18n();
  const done = useDone();
  const { project, repository } = usePlace();
  const [name, setName] = useState('');
  return (
    <FormDialog
      title={t('artifacts.addTag')}
      action={t('common.add')}
      onClose={onClose}
      check={() => name.trim() !== ''}
      onSubmit={async () => {
        const path = { project_name: project, repository_name: repository, reference: digest };
        await ok(
          api.POST(
            '/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags',
            { params: { path }, body: { name: name.trim() } },
          ),
        );
        await done({
          done: t('artifacts.tagAdded', { name }),
          stale: [['artifact'], ['artifacts'], ['history']],
        });
      }}
    >
      <Group grow>
        <TextInput
          label={t('artifacts.tagName')}
          withAsterisk
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
      </Group>
    </FormDialog>
  );
}
