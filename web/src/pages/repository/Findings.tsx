/** The rows of a report: to filter, to order, to export, and to let pass. */
import { Anchor, Badge, Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { IconDownload, IconFlame } from '@tabler/icons-react';
import { useState } from 'react';
import { useProject } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useCan } from '../../lib/access';
import { type Artifact, nameOf } from '../../lib/artifacts';
import { useFormat } from '../../lib/format';
import { useListState } from '../../lib/list';
import { saveText } from '../../lib/save';
import {
  allowing,
  csvOf,
  type Report,
  SEVERITIES,
  sorted,
  type Vulnerability,
  wantedOf,
} from '../../lib/scans';
import { type Column, DataTable } from '../../ui/DataTable';
import type { RepositoryAt } from '../../ui/Links';
import { Empty } from '../../ui/Notices';
import { Openable } from '../../ui/Openable';
import { SeverityBadge } from '../../ui/Severity';
import { Digest, Search } from '../../ui/Small';
import { AllowDialog, useAllowlist } from './AllowDialog';
import { layersOf, useAddition } from './additions';

interface Asked {
  artifact: Artifact;
  at: RepositoryAt;
}

interface Layer {
  number: number;
  command: string;
}

type Step = { created_by?: string; empty_layer?: boolean } | null;

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}

/** The number of each layer, and the command that made it where the history tells. */
function useLayers(asked: Asked): Map<string, Layer> {
  const manifest = useAddition(asked, 'manifest');
  const history = useAddition(asked, 'build_history');
  const steps = parsed(history.data);
  const commands = (Array.isArray(steps) ? (steps as Step[]) : [])
    .filter((step) => step && !step.empty_layer)
    .map((step) => step?.created_by ?? '');
  const layers = layersOf(parsed(manifest.data));
  const told = commands.length === layers.length;
  return new Map(
    layers.map(({ digest, position }) => [
      digest,
      { number: position, command: told ? (commands[position - 1] ?? '') : '' },
    ]),
  );
}

/** Rows have no id of their own: the same vulnerability may be in a package twice, by two files. */
type Row = Vulnerability & { key: string };

export function Findings({ artifact, at, report }: Asked & { report: Report }) {
  const { t, word } = useI18n();
  const format = useFormat();
  const state = useListState();
  const { data: project } = useProject(at.project);
  const can = useCan(project?.project_id);
  const layers = useLayers({ artifact, at });
  const allowed = allowing(useAllowlist(project).data);
  const [allow, setAllow] = useState<string | null>(null);
  const { severity, show, find } = state.filters;
  const rows = sorted(
    wantedOf(report.vulnerabilities, { severity, show, find }, allowed),
    state.sort,
  );
  const first = (Math.min(state.page, Math.ceil(rows.length / state.size) || 1) - 1) * state.size;
  const items: Row[] = rows
    .slice(first, first + state.size)
    .map((row, index) => ({ ...row, key: `${first + index} ${row.id} ${row.package}` }));
  const save = () => {
    const heads = [
      t('vulnerabilities.id'),
      t('vulnerabilities.severity'),
      t('vulnerabilities.package'),
      t('vulnerabilities.version'),
      t('vulnerabilities.fixedIn'),
      t('vulnerabilities.state'),
      t('vulnerabilities.score'),
      t('vulnerabilities.exploited'),
      t('vulnerabilities.allowed'),
      t('vulnerabilities.layer'),
      t('vulnerabilities.file'),
      t('vulnerabilities.links'),
    ];
    const lines = rows.map((row) => [
      row.id,
      word('severities', row.severity),
      row.package,
      row.version,
      row.fix_version,
      word('fixStates', row.status),
      row.preferred_cvss?.score_v3?.toString() ?? '',
      row.exploited_since?.slice(0, 10) ?? '',
      allowed(row.id) ? t('common.yes') : t('common.no'),
      row.layer,
      row.path,
      row.links.join(' '),
    ]);
    const name = `${at.project}-${at.repository}-${nameOf(artifact)}`;
    // Spreadsheets read UTF-8 only after this mark.
    saveText(
      `\ufeff${csvOf(heads, lines)}`,
      `${name.replaceAll(/[^\w.-]+/g, '-')}.csv`,
      'text/csv',
    );
  };
  const columns: Column<Row>[] = [
    {
      id: 'id',
      label: t('vulnerabilities.id'),
      sort: 'id',
      primary: true,
      cell: (row) => (
        <>
          <Group gap={6}>
            <span className="nowrap">{row.id}</span>
            {row.exploited_since && (
              <Badge
                size="sm"
                color="red"
                variant="light"
                tt="none"
                leftSection={<IconFlame size={12} aria-hidden />}
                title={t('vulnerabilities.exploitedSince', {
                  date: format.moment(row.exploited_since),
                })}
              >
                {t('vulnerabilities.exploited')}
              </Badge>
            )}
            {row.vex && (
              <Badge size="sm" variant="default" tt="none" title={row.vex.document}>
                {word('vexStates', row.vex.status)}
              </Badge>
            )}
            {allowed(row.id) && (
              <Badge size="sm" variant="default" tt="none">
                {t('vulnerabilities.allowed')}
              </Badge>
            )}
          </Group>
          <Openable label={t('vulnerabilities.details', { name: row.id })}>
            <Details
              row={row}
              layer={layers.get(row.layer)}
              allow={can('', 'update') && !allowed(row.id) ? () => setAllow(row.id) : undefined}
            />
          </Openable>
        </>
      ),
    },
    {
      id: 'severity',
      label: t('vulnerabilities.severity'),
      sort: 'severity',
      cell: (row) => <SeverityBadge severity={row.severity} />,
    },
    {
      id: 'package',
      label: t('vulnerabilities.package'),
      sort: 'package',
      cell: (row) => (
        <div>
          <span className="break">{row.package}</span>{' '}
          <Text span size="sm" c="dimmed" className="mono break">
            {row.version}
          </Text>
        </div>
      ),
    },
    {
      id: 'fixed',
      label: t('vulnerabilities.fixedIn'),
      cell: (row) =>
        row.fix_version ? (
          <span className="mono break">{row.fix_version}</span>
        ) : (
          <Text span size="sm" c="dimmed">
            {row.status === '' || row.status === 'fixed'
              ? t('vulnerabilities.noFix')
              : word('fixStates', row.status)}
          </Text>
        ),
    },
    {
      id: 'layer',
      label: t('vulnerabilities.layer'),
      cell: (row) => {
        const layer = layers.get(row.layer);
        return layer ? (
          <span title={row.layer} className="nowrap">
            {t('vulnerabilities.layerNumber', { number: layer.number })}
          </span>
        ) : (
          row.layer && <Digest digest={row.layer} />
        );
      },
    },
  ];
  const filtered = !!(severity || show || find);
  return (
    <>
      <DataTable
        label={t('vulnerabilities.title')}
        list={{
          data: { items, total: rows.length },
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
                label={t('vulnerabilities.find')}
                value={find ?? ''}
                onChange={(value) => state.setFilters({ find: value })}
              />
              <NativeSelect
                aria-label={t('vulnerabilities.atLeast')}
                value={severity ?? ''}
                onChange={(event) => state.setFilters({ severity: event.currentTarget.value })}
                data={[
                  { value: '', label: t('vulnerabilities.anySeverity') },
                  ...SEVERITIES.slice(0, 5).map((one, rank) => ({
                    value: one,
                    label:
                      rank === 0
                        ? word('severities', one)
                        : t('vulnerabilities.andGraver', { severity: word('severities', one) }),
                  })),
                ]}
              />
              <NativeSelect
                aria-label={t('vulnerabilities.show')}
                value={show ?? ''}
                onChange={(event) => state.setFilters({ show: event.currentTarget.value })}
                data={[
                  { value: '', label: t('vulnerabilities.all') },
                  { value: 'fixable', label: t('vulnerabilities.onlyFixable') },
                  { value: 'unfixed', label: t('vulnerabilities.onlyUnfixed') },
                  { value: 'exploited', label: t('vulnerabilities.onlyExploited') },
                  { value: 'open', label: t('vulnerabilities.onlyOpen') },
                  { value: 'allowed', label: t('vulnerabilities.onlyAllowed') },
                ]}
              />
            </Group>
            <Button
              size="xs"
              variant="default"
              leftSection={<IconDownload size={14} aria-hidden />}
              onClick={save}
              disabled={rows.length === 0}
            >
              {t('vulnerabilities.export')}
            </Button>
          </Group>
        }
        empty={
          filtered ? (
            <Empty title={t('table.nothing')} next={t('table.nothingNext')} />
          ) : (
            <Empty title={t('vulnerabilities.nothing')} next={t('vulnerabilities.nothingNext')} />
          )
        }
      />
      {allow && project && (
        <AllowDialog id={allow} project={project} onClose={() => setAllow(null)} />
      )}
    </>
  );
}

function Details(props: { row: Vulnerability; layer?: Layer; allow?: () => void }) {
  const { t, word } = useI18n();
  const format = useFormat();
  const { row, layer } = props;
  const score = row.preferred_cvss?.score_v3;
  const facts: [string, string][] = [];
  if (score !== undefined) {
    const vector = row.preferred_cvss?.vector_v3 ?? '';
    facts.push([t('vulnerabilities.score'), `${format.number(score)} ${vector}`]);
  }
  if (row.status) facts.push([t('vulnerabilities.state'), word('fixStates', row.status)]);
  if (row.cwe_ids.length > 0) facts.push([t('vulnerabilities.weaknesses'), row.cwe_ids.join(', ')]);
  if (row.vex) {
    const { status, justification, document } = row.vex;
    const said = [word('vexStates', status), word('vexReasons', justification), document];
    facts.push([t('vulnerabilities.vex'), said.filter(Boolean).join(' · ')]);
  }
  if (row.path) facts.push([t('vulnerabilities.file'), row.path]);
  if (layer) {
    facts.push([t('vulnerabilities.layer'), String(layer.number)]);
    if (layer.command) facts.push([t('vulnerabilities.layerCommand'), layer.command]);
  }
  return (
    <Stack gap="xs" py="xs" maw="70ch" fw={400}>
      {row.exploited_since && (
        <Text size="sm" fw={600}>
          {t('vulnerabilities.exploitedSince', { date: format.moment(row.exploited_since) })}
        </Text>
      )}
      {row.description && (
        <Text size="sm" className="break" style={{ whiteSpace: 'pre-line' }}>
          {row.description}
        </Text>
      )}
      {facts.map(([label, value]) => (
        <Text key={label} size="sm" className="break">
          <b>{label}</b> <span className="mono">{value}</span>
        </Text>
      ))}
      {row.links.length > 0 && (
        <Stack gap={2} component="ul" m={0} pl="md" aria-label={t('vulnerabilities.links')}>
          {row.links.map((link) => (
            <li key={link}>
              <Anchor
                href={link}
                target="_blank"
                rel="noreferrer"
                size="sm"
                inherit={false}
                className="break touch"
              >
                {link}
              </Anchor>
            </li>
          ))}
        </Stack>
      )}
      {props.allow && (
        <Group>
          <Button size="xs" variant="default" onClick={props.allow}>
            {t('vulnerabilities.allow')}
          </Button>
        </Group>
      )}
    </Stack>
  );
}
