/** What is doubtful in an image and no vulnerability: secrets, files, bad practice. */
import { Text } from '@mantine/core';
import { useI18n } from '../../i18n';
import type { Doubt } from '../../lib/scans';
import { type Column, DataTable } from '../../ui/DataTable';
import { Section } from '../../ui/Screen';
import { SeverityBadge } from '../../ui/Severity';

const SHOWN = 200;

type Row = Doubt & { key: number };

export function Doubts({ doubts }: { doubts: Doubt[] }) {
  const { t, phrase } = useI18n();
  const titleOf = (row: Doubt) => phrase('doubtTitles', row.rule, {}) ?? row.title;
  const adviceOf = (row: Doubt) => phrase('doubtAdvice', row.rule, {}) ?? row.detail;
  const rows = doubts.slice(0, SHOWN).map((one, key) => ({ ...one, key }));
  const columns: Column<Row>[] = [
    {
      id: 'title',
      label: t('vulnerabilities.doubt'),
      primary: true,
      cell: (row) => (
        <>
          <span className="break">{titleOf(row)}</span>
          {row.detail && (
            <Text size="sm" c="dimmed" fw={400} className="break">
              {adviceOf(row)}
            </Text>
          )}
        </>
      ),
    },
    {
      id: 'severity',
      label: t('vulnerabilities.severity'),
      cell: (row) => <SeverityBadge severity={row.severity} />,
    },
    {
      id: 'where',
      label: t('vulnerabilities.where'),
      cell: (row) => (
        <div>
          {row.path ? (
            <span className="mono break">{row.path}</span>
          ) : (
            <span style={{ wordBreak: 'keep-all' }}>{t('vulnerabilities.configuration')}</span>
          )}
          {row.line !== null && <>, {t('vulnerabilities.line', { line: row.line })}</>}
          {row.layer !== null && (
            <Text size="sm" c="dimmed">
              {t('vulnerabilities.layerNumber', { number: row.layer })}
            </Text>
          )}
          {row.removedLater && <Text size="sm">{t('vulnerabilities.removedLater')}</Text>}
        </div>
      ),
    },
    {
      id: 'rule',
      label: t('vulnerabilities.id'),
      cell: (row) => <span className="mono">{row.rule}</span>,
    },
  ];
  return (
    <Section title={t('vulnerabilities.doubts')} about={t('vulnerabilities.doubtsAbout')}>
      <DataTable
        label={t('vulnerabilities.doubts')}
        list={{
          data: { items: rows, total: doubts.length },
          error: null,
          isPending: false,
          refetch: () => undefined,
        }}
        columns={columns}
        keyOf={(row) => row.key}
        empty={null}
      />
      {doubts.length > SHOWN && (
        <Text size="sm">
          {t('vulnerabilities.incompleteMore', { count: doubts.length - SHOWN })}
        </Text>
      )}
    </Section>
  );
}
