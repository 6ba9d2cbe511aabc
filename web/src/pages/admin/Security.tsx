/** Vulnerabilities of all images: how many, where the worst are, and where each one is. */
import { Anchor, Button, Group, NativeSelect, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { all, api, ok, page, type Schemas } from '../../api/client';
import { kept } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useAct } from '../../lib/act';
import { useFormat } from '../../lib/format';
import { containing, plain, useListState } from '../../lib/list';
import { projectOf, shortName } from '../../lib/names';
import { saveText } from '../../lib/save';
import { csvOf, SEVERITIES } from '../../lib/scans';
import { type Column, DataTable } from '../../ui/DataTable';
import { Figure } from '../../ui/Figure';
import { ArtifactLink } from '../../ui/Links';
import { Empty, Failure, Waiting } from '../../ui/Notices';
import { Screen, Section } from '../../ui/Screen';
import { SeverityBadge, SeverityBar } from '../../ui/Severity';
import { Search, shortDigest } from '../../ui/Small';
import { ScanAll } from './ScanAll';
import { SecurityTrend } from './SecurityTrend';

type Summary = Schemas['SecuritySummary'];
type Item = Schemas['VulnerabilityItem'];

export function Security() {
  const { t } = useI18n();
  const found = useQuery({
    queryKey: ['security', 'summary'],
    refetchInterval: 30_000,
    queryFn: () =>
      ok(
        api.GET('/security/summary', {
          params: { query: { with_dangerous_cve: true, with_dangerous_artifact: true } },
        }),
      ),
  });
  return (
    <Screen title={t('security.title')} about={t('security.about')}>
      {found.error && !found.data && <Failure error={found.error} retry={() => found.refetch()} />}
      {!found.error && !found.data && <Waiting />}
      {found.data && <Counts summary={found.data} />}
      <SecurityTrend />
      <ScanAll />
      <Items />
    </Screen>
  );
}

function ImageLink({ image }: { image: { repository_name: string; digest: string } }) {
  return (
    <ArtifactLink
      project={projectOf(image.repository_name)}
      repository={shortName(image.repository_name)}
      reference={image.digest}
      part="vulnerabilities"
    >
      {image.repository_name}@{shortDigest(image.digest)}
    </ArtifactLink>
  );
}

function Counts({ summary }: { summary: Summary }) {
  const { t, word } = useI18n();
  const format = useFormat();
  const figures: [string, string][] = [
    [word('severities', 'Critical'), format.number(summary.critical_cnt)],
    [word('severities', 'High'), format.number(summary.high_cnt)],
    [word('severities', 'Medium'), format.number(summary.medium_cnt)],
    [word('severities', 'Low'), format.number(summary.low_cnt)],
    [word('severities', 'Negligible'), format.number(summary.none_cnt)],
    [t('security.total'), format.number(summary.total_vuls)],
    [t('security.fixable'), format.number(summary.fixable_cnt)],
    [
      t('security.scanned'),
      t('security.ofAll', { count: summary.scanned_cnt, total: summary.total_artifact }),
    ],
  ];
  const images = summary.dangerous_artifacts ?? [];
  const gravest = summary.dangerous_cves ?? [];
  return (
    <>
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
        {figures.map(([label, value]) => (
          <Figure key={label} label={label} value={value} />
        ))}
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
        <Section title={t('security.worst')}>
          {images.length === 0 && <Text c="dimmed">{t('security.worstNone')}</Text>}
          <Stack component="ul" gap="sm" m={0} p={0} style={{ listStyle: 'none' }}>
            {images.map((image) => (
              <li key={`${image.repository_name}@${image.digest}`}>
                <ImageLink image={image} />
                <div>
                  <SeverityBar
                    counts={{
                      Critical: image.critical_cnt,
                      High: image.high_cnt,
                      Medium: image.medium_cnt,
                    }}
                  />
                </div>
              </li>
            ))}
          </Stack>
        </Section>
        <Section title={t('security.gravest')}>
          {gravest.length === 0 && <Text c="dimmed">{t('security.none')}</Text>}
          <Stack component="ul" gap="sm" m={0} p={0} style={{ listStyle: 'none' }}>
            {gravest.map((one) => (
              <li key={one.cve_id}>
                <Group gap="xs">
                  <Anchor
                    className="touch"
                    renderRoot={(props) => (
                      <Link to="." search={{ cve: one.cve_id } as never} {...props} />
                    )}
                  >
                    {one.cve_id}
                  </Anchor>
                  <SeverityBadge severity={one.severity} />
                  <Text span size="sm">
                    {one.package} <span className="mono">{one.version}</span>
                  </Text>
                </Group>
                <Text size="sm" c="dimmed" lineClamp={2} className="break">
                  {one.desc}
                </Text>
              </li>
            ))}
          </Stack>
        </Section>
      </SimpleGrid>
    </>
  );
}

/** The server says -1 where it counted no further. */
const COUNTED = 1_000;

function Items() {
  const { t, word } = useI18n();
  const act = useAct();
  const state = useListState();
  const [busy, setBusy] = useState(false);
  const { cve, package: name, repository, severity } = state.filters;
  const q =
    [
      containing({ cve_id: cve, package: name, repository_name: repository }) ?? '',
      severity ? `severity=${plain(severity)}` : '',
    ]
      .filter(Boolean)
      .join(',') || undefined;
  const list = useQuery({
    queryKey: ['security', 'list', state.page, state.size, q],
    ...kept,
    queryFn: async () => {
      const found = await page(
        api.GET('/security/vul', {
          params: { query: { page: state.page, page_size: state.size, q, tune_count: true } },
        }),
      );
      return found.total < 0 ? { ...found, total: COUNTED, more: true } : { ...found, more: false };
    },
  });
  const save = async () => {
    setBusy(true);
    await act(async () => {
      const rows = await all((number) =>
        api.GET('/security/vul', { params: { query: { page: number, page_size: 100, q } } }),
      );
      const heads = [
        t('vulnerabilities.id'),
        t('vulnerabilities.severity'),
        t('vulnerabilities.package'),
        t('vulnerabilities.version'),
        t('vulnerabilities.fixedIn'),
        t('security.image'),
        t('artifacts.digest'),
      ];
      const lines = rows.map((row) => [
        row.cve_id,
        word('severities', row.severity),
        row.package,
        row.version,
        row.fixed_version,
        row.repository_name,
        row.digest,
      ]);
      saveText(`\ufeff${csvOf(heads, lines)}`, 'vulnerabilities.csv', 'text/csv');
    });
    setBusy(false);
  };
  const columns: Column<Item>[] = [
    {
      id: 'id',
      label: t('vulnerabilities.id'),
      primary: true,
      cell: (row) => <span className="nowrap">{row.cve_id}</span>,
    },
    {
      id: 'severity',
      label: t('vulnerabilities.severity'),
      cell: (row) => <SeverityBadge severity={row.severity} />,
    },
    {
      id: 'package',
      label: t('vulnerabilities.package'),
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
        row.fixed_version ? (
          <span className="mono break">{row.fixed_version}</span>
        ) : (
          t('vulnerabilities.noFix')
        ),
    },
    { id: 'image', label: t('security.image'), cell: (row) => <ImageLink image={row} /> },
  ];
  return (
    <Section title={t('security.list')}>
      <DataTable
        label={t('security.list')}
        list={list}
        state={state}
        columns={columns}
        keyOf={(row) =>
          [row.cve_id, row.package, row.version, row.repository_name, row.digest].join(' ')
        }
        toolbar={
          <Group justify="space-between" gap="sm">
            <Group gap="sm">
              <Search
                label={t('security.cve')}
                value={cve ?? ''}
                onChange={(value) => state.setFilters({ cve: value })}
              />
              <Search
                label={t('security.package')}
                value={name ?? ''}
                onChange={(value) => state.setFilters({ package: value })}
              />
              <Search
                label={t('security.repository')}
                value={repository ?? ''}
                onChange={(value) => state.setFilters({ repository: value })}
              />
              <NativeSelect
                aria-label={t('security.severity')}
                value={severity ?? ''}
                onChange={(event) => state.setFilters({ severity: event.currentTarget.value })}
                data={[
                  { value: '', label: t('security.anySeverity') },
                  ...SEVERITIES.map((one) => ({ value: one, label: word('severities', one) })),
                ]}
              />
            </Group>
            <Button
              size="xs"
              variant="default"
              loading={busy}
              leftSection={<IconDownload size={14} aria-hidden />}
              onClick={save}
            >
              {t('security.export')}
            </Button>
          </Group>
        }
        empty={
          q ? (
            <Empty title={t('table.nothing')} next={t('table.nothingNext')} />
          ) : (
            <Empty title={t('security.none')} next={t('security.noneNext')} />
          )
        }
      />
      {list.data?.more && (
        <Text size="sm" c="dimmed">
          {t('security.many')}
        </Text>
      )}
    </Section>
  );
}
