/** What an artifact's blobs tell: layers, build history, and the texts of charts. */
import { Badge, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { BASE, type Page } from '../../api/client';
import { failureOf } from '../../api/errors';
import { send } from '../../api/session';
import { useI18n } from '../../i18n';
import type { Artifact } from '../../lib/artifacts';
import { type Column, DataTable } from '../../ui/DataTable';
import type { RepositoryAt } from '../../ui/Links';
import { Empty, Failure, Waiting } from '../../ui/Notices';
import { Bytes, Digest, Moment } from '../../ui/Small';

export interface Asked {
  artifact: Artifact;
  at: RepositoryAt;
}

/** Additions have different media types, which the typed client does not tell apart. */
export async function readAddition(
  artifact: Artifact,
  at: RepositoryAt,
  name: string,
  query = '',
): Promise<string> {
  const path = [
    'projects',
    at.project,
    'repositories',
    at.repository,
    'artifacts',
    artifact.digest,
    'additions',
    name,
  ];
  const response = await send(
    new Request(`${BASE}/${path.map(encodeURIComponent).join('/')}${query}`),
  );
  const text = await response.text();
  if (response.ok) return text;
  let body: unknown = null;
  try {
    body = JSON.parse(text);
  } catch {
    // An error that is not the server's own has no body that could be read.
  }
  throw failureOf(response.status, body, response.headers.get('X-Request-Id'));
}

/** What hangs on a digest never changes, so it is read once. */
export function useAddition({ artifact, at }: Asked, name: string) {
  return useQuery({
    queryKey: ['addition', at.project, at.repository, artifact.digest, name],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () => readAddition(artifact, at, name),
  });
}

function parsed<T>(text: string | undefined, pick: (value: unknown) => T[]): Page<T> | undefined {
  if (text === undefined) return undefined;
  let items: T[] = [];
  try {
    items = pick(JSON.parse(text));
  } catch {
    items = [];
  }
  return { items, total: items.length };
}

interface Layer {
  position: number;
  digest: string;
  size: number;
  mediaType: string;
}

/** Reads the layers out of a manifest; anything that is not one has none. */
export function layersOf(manifest: unknown): Layer[] {
  const layers = (manifest as { layers?: unknown } | null)?.layers;
  if (!Array.isArray(layers)) return [];
  return layers.map((layer: Partial<Layer>, position) => ({
    position: position + 1,
    digest: String(layer.digest ?? ''),
    size: Number(layer.size ?? 0),
    mediaType: String(layer.mediaType ?? ''),
  }));
}

export function Layers(asked: Asked) {
  const { t } = useI18n();
  const found = useAddition(asked, 'manifest');
  const columns: Column<Layer>[] = [
    { id: 'position', label: t('artifacts.layer'), primary: true, cell: (row) => row.position },
    {
      id: 'digest',
      label: t('artifacts.digest'),
      cell: (row) => <Digest digest={row.digest} />,
    },
    {
      id: 'type',
      label: t('artifacts.mediaType'),
      cell: (row) => <span className="mono break">{row.mediaType}</span>,
    },
    {
      id: 'size',
      label: t('common.size'),
      right: true,
      cell: (row) => <Bytes size={row.size} />,
    },
  ];
  return (
    <DataTable
      label={t('artifacts.layers')}
      list={{ ...found, data: parsed(found.data, layersOf) }}
      columns={columns}
      keyOf={(row) => row.position}
      empty={<Empty title={t('artifacts.layersNone')} />}
    />
  );
}

interface Step {
  position: number;
  created?: string;
  created_by?: string;
  comment?: string;
  empty_layer?: boolean;
}

export function BuildHistory(asked: Asked) {
  const { t } = useI18n();
  const found = useAddition(asked, 'build_history');
  const steps = parsed<Step>(found.data, (value) =>
    (Array.isArray(value) ? value : []).map((step, position) => ({ ...step, position })),
  );
  const columns: Column<Step>[] = [
    {
      id: 'created',
      label: t('common.created'),
      cell: (row) => <Moment time={row.created} />,
    },
    {
      id: 'command',
      label: t('artifacts.command'),
      primary: true,
      cell: (row) => (
        <>
          <span className="mono break">{row.created_by ?? row.comment ?? ''}</span>{' '}
          {row.empty_layer && (
            <Badge variant="default" tt="none" size="sm">
              {t('artifacts.emptyLayer')}
            </Badge>
          )}
        </>
      ),
    },
  ];
  return (
    <DataTable
      label={t('artifacts.buildHistory')}
      list={{ ...found, data: steps }}
      columns={columns}
      keyOf={(row) => row.position}
      empty={<Empty title={t('artifacts.nothing')} />}
    />
  );
}

interface Dependency {
  name: string;
  version: string;
  repository: string;
}

export function Dependencies(asked: Asked) {
  const { t } = useI18n();
  const found = useAddition(asked, 'dependencies');
  const list = parsed<Dependency>(found.data, (value) =>
    Array.isArray(value) ? (value as Dependency[]) : [],
  );
  const columns: Column<Dependency>[] = [
    { id: 'name', label: t('common.name'), primary: true, cell: (row) => row.name },
    { id: 'version', label: t('artifacts.version'), cell: (row) => row.version },
    {
      id: 'repository',
      label: t('artifacts.repository'),
      cell: (row) => <span className="mono break">{row.repository}</span>,
    },
  ];
  return (
    <DataTable
      label={t('artifacts.dependencies')}
      list={{ ...found, data: list }}
      columns={columns}
      keyOf={(row) => row.name}
      empty={<Empty title={t('artifacts.nothing')} />}
    />
  );
}

/** A text of a chart, as it is: it was pushed by somebody and is never run. */
export function Addition({ name, ...asked }: Asked & { name: string }) {
  const { t } = useI18n();
  const found = useAddition(asked, name);
  if (found.error) return <Failure error={found.error} retry={() => found.refetch()} />;
  if (found.data === undefined) return <Waiting />;
  if (found.data === '') return <Text c="dimmed">{t('artifacts.nothing')}</Text>;
  return (
    <section className="log" aria-label={name} style={{ whiteSpace: 'pre-wrap' }}>
      {found.data}
    </section>
  );
}
