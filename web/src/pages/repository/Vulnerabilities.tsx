/** The vulnerabilities of an artifact: where its scan stands, and what the report says. */
import { Alert, Anchor, Group, Stack } from '@mantine/core';
import { IconInfoCircle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useI18n } from '../../i18n';
import { useIsAdmin } from '../../lib/access';
import { type Artifact, isIndex } from '../../lib/artifacts';
import { useFormat } from '../../lib/format';
import {
  daysSince,
  isScannable,
  isScanning,
  OLD_DAYS,
  overviewOf,
  type Report,
  readReport,
} from '../../lib/scans';
import { Facts } from '../../ui/Facts';
import type { RepositoryAt } from '../../ui/Links';
import { Empty, Failure, Waiting, Warning } from '../../ui/Notices';
import { ScanState } from '../../ui/Severity';
import { Moment } from '../../ui/Small';
import { readAddition } from './additions';
import { Doubts } from './Doubts';
import { Findings } from './Findings';
import { Platforms } from './Platforms';
import { type May, ScanButtons, ScanLog, useMay } from './scanning';

interface Asked {
  artifact: Artifact;
  at: RepositoryAt;
}

export function Vulnerabilities({ artifact, at }: Asked) {
  const { t } = useI18n();
  const may = useMay(at.project, 'scan');
  if (!isScannable(artifact)) return <Empty title={t('vulnerabilities.notScannable')} />;
  return isIndex(artifact) ? (
    <Platforms
      artifact={artifact}
      at={at}
      kind="vulnerability"
      may={may}
      label={t('vulnerabilities.title')}
      about={t('vulnerabilities.platformsAbout')}
      state={(row) => <ScanState overview={overviewOf(row)} />}
    />
  ) : (
    <OfImage artifact={artifact} at={at} may={may} />
  );
}

function OfImage({ artifact, at, may }: Asked & { may: May }) {
  const { t } = useI18n();
  const overview = overviewOf(artifact);
  const found = useQuery({
    queryKey: ['vulnerabilities', at.project, at.repository, artifact.digest, overview?.end_time],
    enabled: !!overview?.summary,
    queryFn: async () =>
      readReport(JSON.parse(await readAddition(artifact, at, 'vulnerabilities'))),
  });
  const buttons = <ScanButtons at={at} artifacts={[artifact]} may={may} size="xs" />;
  if (!overview) {
    return (
      <Empty
        title={t('vulnerabilities.noneTitle')}
        next={may.scan ? t('vulnerabilities.noneNext') : t('vulnerabilities.noneMay')}
        action={buttons}
      />
    );
  }
  const status = overview.scan_status.toLowerCase();
  return (
    <Stack>
      <Group justify="space-between" gap="sm">
        <Group gap="sm" aria-live="polite">
          <ScanState overview={overview} />
        </Group>
        <Group gap="xs">
          {may.log && <ScanLog at={at} artifact={artifact} />}
          {buttons}
        </Group>
      </Group>
      {status === 'error' && (
        <Warning title={t('vulnerabilities.failedTitle')}>
          {t('vulnerabilities.failedNext')} {overview.summary && t('vulnerabilities.failedOld')}
        </Warning>
      )}
      {status === 'stopped' && (
        <Warning title={t('vulnerabilities.stoppedTitle')}>
          {t('vulnerabilities.stoppedNext')} {overview.summary && t('vulnerabilities.failedOld')}
        </Warning>
      )}
      {overview.summary && found.error && !found.data && (
        <Failure error={found.error} retry={() => found.refetch()} />
      )}
      {overview.summary && found.isPending && <Waiting />}
      {found.data && (
        <>
          <Source report={found.data} scanner={overview.scanner?.name} />
          <Findings artifact={artifact} at={at} report={found.data} />
          {found.data.doubts.length > 0 && <Doubts doubts={found.data.doubts} />}
        </>
      )}
      {!overview.summary && isScanning(overview) && (
        <Empty title={t('vulnerabilities.running')} next={t('vulnerabilities.noneNext')} />
      )}
    </Stack>
  );
}

/** The time by which advisories are as young as their feeds: what was changed last, or imported. */
function newestOf(report: Report): string | null {
  const times = report.feeds.map((feed) => feed.newest ?? feed.imported_at).sort();
  return times.at(-1) ?? null;
}

/** By what the report was made, and how far that can be believed. */
function Source({ report, scanner }: { report: Report; scanner?: string }) {
  const { t } = useI18n();
  const format = useFormat();
  const admin = useIsAdmin();
  const newest = newestOf(report);
  const toFeeds = admin && (
    <Anchor component={Link} to="/admin/advisories" underline="always">
      {t('nav.advisories')}
    </Anchor>
  );
  const parts: [string, ReactNode][] = [
    [t('vulnerabilities.when'), <Moment key="when" time={report.generatedAt} />],
  ];
  if (scanner) parts.push([t('vulnerabilities.by'), scanner]);
  // Other scanners do not say.
  if (report.distribution || scanner === 'Berth') {
    parts.push([
      t('vulnerabilities.distribution'),
      report.distribution || t('vulnerabilities.noDistribution'),
    ]);
  }
  if (report.feeds.length > 0) {
    const ages = report.feeds.map((feed) =>
      t('vulnerabilities.feedAge', {
        name: feed.name,
        age: format.ago(feed.newest ?? feed.imported_at),
      }),
    );
    parts.push([t('vulnerabilities.feeds'), ages.join(', ')]);
  }
  return (
    <>
      <Facts facts={parts} />
      {report.feeds.length === 0 && scanner === 'Berth' && (
        <Warning title={t('vulnerabilities.noFeeds')}>
          {t('vulnerabilities.noFeedsNext')} {toFeeds}
        </Warning>
      )}
      {newest && daysSince(newest) > OLD_DAYS && (
        <Warning title={t('vulnerabilities.oldFeeds')}>
          {t('vulnerabilities.oldFeedsNext', { age: format.ago(newest) })} {toFeeds}
        </Warning>
      )}
      {report.incomplete.length > 0 && (
        <Alert
          color="yellow"
          variant="light"
          icon={<IconInfoCircle aria-hidden />}
          title={t('vulnerabilities.incomplete')}
        >
          {t('vulnerabilities.incompleteAbout')}
          <ul style={{ margin: 0 }}>
            {report.incomplete.slice(0, 8).map((line) => (
              <li key={line} className="break">
                {line}
              </li>
            ))}
          </ul>
          {report.incomplete.length > 8 &&
            t('vulnerabilities.incompleteMore', { count: report.incomplete.length - 8 })}
        </Alert>
      )}
    </>
  );
}
