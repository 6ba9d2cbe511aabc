import { describe, expect, it } from 'vitest';
import { allowing, csvOf, entriesOf, overviewOf, readReport, sorted, wantedOf } from './scans';

const MIME = 'application/vnd.security.vulnerability.report; version=1.1';

const row = (id: string, severity: string, rest: object = {}) => ({
  id,
  severity,
  package: 'lib',
  version: '1',
  fix_version: '',
  ...rest,
});

const report = (vulnerabilities: object[], rest: object = {}) => {
  const found = readReport({ [MIME]: { vulnerabilities, ...rest } });
  if (!found) throw new Error('no report');
  return found;
};

describe('an overview', () => {
  it('is read whatever its media type', () => {
    const overview = { report_id: 'r', scan_status: 'Success', complete_percent: 100 };
    expect(overviewOf({ scan_overview: { [MIME]: overview } })).toEqual(overview);
    expect(overviewOf({ scan_overview: null })).toBeNull();
    expect(overviewOf({})).toBeNull();
  });
});

describe('a report', () => {
  it('is not there for what was not scanned', () => {
    expect(readReport({})).toBeNull();
    expect(readReport(null)).toBeNull();
  });

  it('follows links into the web only', () => {
    const { vulnerabilities } = report([
      row('CVE-1', 'Low', { links: ['javascript:alert(1)', 'https://example.org/a', 5] }),
    ]);
    expect(vulnerabilities[0]?.links).toEqual(['https://example.org/a']);
  });

  it('names the layer by either field', () => {
    const { vulnerabilities } = report([
      row('CVE-1', 'Low', { layer: 'sha256:a' }),
      row('CVE-2', 'Low', { artifact_digests: ['sha256:b'] }),
    ]);
    expect(vulnerabilities.map((one) => one.layer)).toEqual(['sha256:a', 'sha256:b']);
  });

  it('tells doubtful things, the worst first', () => {
    const { doubts, incomplete } = report([], {
      notes: {
        practice: [{ rule: 'root', severity: 'low', title: 'Runs as root' }],
        findings: [
          {
            layer: 1,
            removed_later: true,
            finding: { rule: 'key', severity: 'high', title: 'Key', path: 'a', line: 3 },
          },
        ],
        incomplete: [{ reason: 'Database', path: 'var/lib/rpm', detail: 'is damaged' }],
      },
    });
    expect(doubts.map((one) => [one.rule, one.layer, one.removedLater])).toEqual([
      ['key', 2, true],
      ['root', null, false],
    ]);
    expect(incomplete).toEqual(['var/lib/rpm: is damaged']);
  });
});

describe('rows', () => {
  const { vulnerabilities } = report([
    row('CVE-2024-10', 'Low', { package: 'zlib' }),
    row('CVE-2024-9', 'Critical', { package: 'curl', fix_version: '2' }),
    row('CVE-2023-1', 'High', { package: 'bash', exploited_since: '2024-01-01T00:00:00Z' }),
    row('X-1', 'Strange', { package: 'apt' }),
  ]);
  const ids = (found: { id: string }[]) => found.map((one) => one.id);

  it('are shown the gravest first, and by name', () => {
    expect(ids(sorted(vulnerabilities, undefined))).toEqual([
      'CVE-2024-9',
      'CVE-2023-1',
      'CVE-2024-10',
      'X-1',
    ]);
    expect(ids(sorted(vulnerabilities, 'severity'))[0]).toBe('X-1');
    expect(ids(sorted(vulnerabilities, 'id')).slice(1, 3)).toEqual(['CVE-2024-9', 'CVE-2024-10']);
    expect(ids(sorted(vulnerabilities, '-package'))[0]).toBe('CVE-2024-10');
  });

  it.each([
    [{ severity: 'High' }, ['CVE-2024-9', 'CVE-2023-1']],
    [{ severity: 'Low' }, ['CVE-2024-10', 'CVE-2024-9', 'CVE-2023-1']],
    [{ show: 'fixable' }, ['CVE-2024-9']],
    [{ show: 'unfixed' }, ['CVE-2024-10', 'CVE-2023-1', 'X-1']],
    [{ show: 'exploited' }, ['CVE-2023-1']],
    [{ show: 'allowed' }, ['X-1']],
    [{ show: 'open', find: 'CVE-2024' }, ['CVE-2024-10', 'CVE-2024-9']],
    [{ find: ' CURL ' }, ['CVE-2024-9']],
  ])('of %o are %o', (wanted, expected) => {
    const found = wantedOf(vulnerabilities, wanted, (id) => id === 'X-1');
    expect(ids(found)).toEqual(expected);
  });
});

describe('values for a spreadsheet', () => {
  it('are quoted, and never a formula', () => {
    expect(
      csvOf(
        ['a', 'b'],
        [
          ['x,"y"', '=1+1'],
          ['-2', 'ü\nz'],
        ],
      ),
    ).toBe('a,b\r\n"x,""y""",\'=1+1\r\n\'-2,"ü\nz"\r\n');
  });
});

describe('a list of what is let pass', () => {
  it('is read out of what was typed', () => {
    expect(entriesOf(['CVE-1 ', 'CVE-2,CVE-3', 'CVE-1', ''])).toEqual([
      { cve_id: 'CVE-1' },
      { cve_id: 'CVE-2' },
      { cve_id: 'CVE-3' },
    ]);
  });

  it('ends with its time', () => {
    const items = [{ cve_id: 'CVE-1' }];
    expect(allowing({ items }, 5_000)('CVE-1')).toBe(true);
    expect(allowing({ items, expires_at: 4 }, 5_000)('CVE-1')).toBe(false);
    expect(allowing({ items, expires_at: 6 }, 5_000)('CVE-1')).toBe(true);
    expect(allowing(undefined)('CVE-1')).toBe(false);
  });
});
