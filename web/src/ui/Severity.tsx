/** How grave things are: never by colour alone. */
import { Badge, Group, Loader, Text } from '@mantine/core';
import { IconAlertTriangle, IconShieldCheck } from '@tabler/icons-react';
import { useI18n } from '../i18n';
import { useFormat } from '../lib/format';
import { isScanning, type Overview, rankOf, SEVERITIES, type Severity } from '../lib/scans';

const COLORS = ['red', 'orange', 'yellow', 'blue'];
const VARIANTS = ['filled', 'light', 'light', 'light'];

function look(severity: string) {
  const rank = rankOf(severity);
  return { color: COLORS[rank] ?? 'gray', variant: VARIANTS[rank] ?? 'default' };
}

export function SeverityBadge({ severity }: { severity: string }) {
  const { word } = useI18n();
  const name = severity.charAt(0).toUpperCase() + severity.slice(1);
  return (
    <Badge tt="none" {...look(name)}>
      {word('severities', severity)}
    </Badge>
  );
}

type Counts = Partial<Record<Severity, number>>;

/** The counts in words, as a title and for those who hear the page. */
function useInWords() {
  const { t, word } = useI18n();
  return (counts: Counts, fixable: number) => {
    const parts = SEVERITIES.filter((one) => (counts[one] ?? 0) > 0).map((one) =>
      t('vulnerabilities.count', {
        count: counts[one] ?? 0,
        severity: word('severities', one),
      }),
    );
    if (fixable > 0) parts.push(t('vulnerabilities.fixable', { count: fixable }));
    return parts.join(', ');
  };
}

/** How many of each severity: a letter and a number each, above a bar in proportion. */
export function SeverityBar({ counts, fixable = 0 }: { counts: Counts; fixable?: number }) {
  const { word } = useI18n();
  const format = useFormat();
  const words = useInWords()(counts, fixable);
  const there = SEVERITIES.filter((one) => (counts[one] ?? 0) > 0);
  return (
    <span className="severities" role="img" aria-label={words} title={words}>
      <span className="severity-marks">
        {there.map((one) => (
          <span key={one} className="nowrap tabular">
            <b>{word('severityMarks', one)}</b> {format.number(counts[one] ?? 0)}
          </span>
        ))}
      </span>
      <span className="severity-bar">
        {there.map((one) => (
          <span key={one} data-severity={one} style={{ flexGrow: counts[one] }} />
        ))}
      </span>
    </span>
  );
}

/** What is known of an artifact's vulnerabilities, in one cell. */
export function ScanState({ overview, index }: { overview: Overview | null; index?: boolean }) {
  const { t } = useI18n();
  const format = useFormat();
  if (!overview) return <Quiet>{t('vulnerabilities.notScanned')}</Quiet>;
  if (isScanning(overview)) {
    const running = overview.scan_status.toLowerCase() === 'running';
    const share = overview.complete_percent / 100;
    return (
      <Group gap={6} wrap="nowrap" component="span" display="inline-flex">
        <Loader size={14} aria-hidden />
        <span className="nowrap">
          {!running
            ? t('vulnerabilities.waiting')
            : share > 0 && share < 1
              ? t('vulnerabilities.progress', { percent: format.percent(share) })
              : t('vulnerabilities.running')}
        </span>
      </Group>
    );
  }
  const status = overview.scan_status.toLowerCase();
  const { summary } = overview;
  return (
    <span>
      {status === 'error' && (
        <Badge color="red" variant="light" tt="none" leftSection={<IconAlertTriangle size={12} />}>
          {t('vulnerabilities.failed')}
        </Badge>
      )}
      {status === 'stopped' && !summary && <Quiet>{t('vulnerabilities.stoppedState')}</Quiet>}
      {summary && summary.total === 0 && status !== 'error' && (
        <Badge color="green" variant="light" tt="none" leftSection={<IconShieldCheck size={12} />}>
          {t('vulnerabilities.clean')}
        </Badge>
      )}
      {summary && summary.total > 0 && (
        <SeverityBar counts={summary.summary ?? {}} fixable={summary.fixable} />
      )}
      {!summary && index && status === 'success' && (
        <Quiet>{t('vulnerabilities.seePlatforms')}</Quiet>
      )}
    </span>
  );
}

function Quiet({ children }: { children: string }) {
  return (
    <Text span size="sm" c="dimmed">
      {children}
    </Text>
  );
}
