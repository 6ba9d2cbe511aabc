/** Advisories made on the spot, as an operator imports them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Server } from './server';

interface Made {
  id: string;
  package: string;
  urgency: string;
  fixed?: string;
}

/** Against the packages that every image here has: see `image.ts`. */
const MADE: Made[] = [
  { id: 'CVE-2026-1001', package: 'openssl', urgency: '', fixed: '1.2-1' },
  { id: 'CVE-2026-1002', package: 'openssl', urgency: 'low', fixed: '1.1-1' },
  { id: 'CVE-2026-1003', package: 'zlib', urgency: 'high' },
  { id: 'CVE-2026-1004', package: 'zlib1g', urgency: 'high', fixed: '1.0-2' },
  { id: 'CVE-2026-1005', package: 'bash', urgency: 'medium' },
  { id: 'CVE-2026-1006', package: 'tar', urgency: 'unimportant' },
];

/** An advisory in the form of osv.dev. */
function osv(made: Made) {
  const events = [{ introduced: '0' }, ...(made.fixed ? [{ fixed: made.fixed }] : [])];
  return {
    schema_version: '1.6.0',
    id: made.id,
    modified: new Date().toISOString(),
    published: '2026-01-01T00:00:00Z',
    details: `A flaw of ${made.package} lets a stranger read what is not for strangers.`,
    affected: [
      {
        package: { ecosystem: 'Debian:12', name: made.package },
        ranges: [{ type: 'ECOSYSTEM', events }],
        ecosystem_specific: { urgency: made.urgency },
      },
    ],
    severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
    references: [{ type: 'WEB', url: `https://example.org/${made.id}` }],
  };
}

export function importAdvisories(server: Server): void {
  const folder = mkdtempSync(join(tmpdir(), 'berth-advisories-'));
  try {
    const debian = join(folder, 'debian');
    mkdirSync(debian);
    for (const made of MADE) {
      writeFileSync(join(debian, `${made.id}.json`), JSON.stringify(osv(made)));
    }
    const exploited = join(folder, 'exploited.json');
    const seen = {
      cveID: 'CVE-2026-1001',
      dateAdded: '2026-02-03',
      knownRansomwareCampaignUse: 'Unknown',
    };
    writeFileSync(
      exploited,
      JSON.stringify({
        title: 'Known exploited vulnerabilities',
        catalogVersion: '2026.02.03',
        dateReleased: new Date().toISOString(),
        count: 1,
        vulnerabilities: [seen],
      }),
    );
    server.run('vulndb', 'import', debian, exploited);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
