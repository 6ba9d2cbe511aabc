/** A registry with something of everything, for looks at every page. */
import { importAdvisories } from './advisories';
import { attach, push, pushIndex } from './image';
import type { Server } from './server';

const API = '/api/v2.0';
export const PROJECT = 'shop';

export async function seed(server: Server): Promise<{ digest: string }> {
  await server.api('POST', `${API}/projects`, {
    project_name: PROJECT,
    metadata: { public: 'false' },
    storage_limit: 50 * 1024 * 1024,
  });
  for (const name of ['jane', 'omar', 'wei']) {
    await server.api('POST', `${API}/users`, {
      username: name,
      email: `${name}@example.com`,
      realname: name,
      password: 'Choose-1-yourself',
    });
  }
  const members = `${API}/projects/${PROJECT}/members`;
  await server.api('POST', members, { role_id: 2, member_user: { username: 'jane' } });
  await server.api('POST', members, { role_id: 3, member_user: { username: 'omar' } });
  const { project_id } = (await server.api('GET', `${API}/projects/${PROJECT}`)) as {
    project_id: number;
  };
  await server.api('POST', `${API}/labels`, {
    name: 'released',
    color: '#2f7d32',
    description: 'Went to customers',
    scope: 'p',
    project_id,
  });
  await server.api('POST', `${API}/labels`, { name: 'checked', color: '#0f5c7a', scope: 'g' });
  const first = await push(server, `${PROJECT}/web`, '1.0', 'one');
  await push(server, `${PROJECT}/web`, '1.1', 'two');
  await push(server, `${PROJECT}/web`, '1.0', 'one again');
  await pushIndex(server, `${PROJECT}/web`, 'latest', 'multi');
  const current = await push(server, `${PROJECT}/web`, '2.0', 'three');
  await attach(server, `${PROJECT}/web`, current);
  importAdvisories(server);
  await scan(server, `${API}/projects/${PROJECT}/repositories/web/artifacts/2.0`);
  await makeSbom(server, `${API}/projects/${PROJECT}/repositories/web/artifacts/2.0`);
  await push(server, `${PROJECT}/tools/builder`, 'v3', 'builder');
  await push(server, `${PROJECT}/old`, '0.1', 'old');
  await server.api('DELETE', `${API}/projects/${PROJECT}/repositories/old`);
  await server.api('POST', `${API}/robots`, {
    name: 'ci',
    level: 'project',
    duration: 30,
    description: 'Build server',
    permissions: [
      {
        kind: 'project',
        namespace: PROJECT,
        access: [
          { resource: 'repository', action: 'pull' },
          { resource: 'repository', action: 'push' },
        ],
      },
    ],
  });
  await server.api('POST', `${API}/robots`, {
    name: 'mirror',
    level: 'system',
    duration: -1,
    permissions: [
      { kind: 'project', namespace: '*', access: [{ resource: 'repository', action: 'pull' }] },
    ],
  });
  await server.api('POST', `${API}/projects/${PROJECT}/webhook/policies`, {
    name: 'deploy',
    event_types: ['PUSH_ARTIFACT'],
    enabled: true,
    targets: [{ type: 'http', address: 'http://127.0.0.1:9/hook', skip_cert_verify: false }],
  });
  await server.api('POST', `${API}/projects/${PROJECT}/immutabletagrules`, {
    tag_selectors: [{ kind: 'doublestar', decoration: 'matches', pattern: '2.*' }],
    scope_selectors: {
      repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: '**' }],
    },
  });
  await server.api('POST', `${API}/retentions`, {
    algorithm: 'or',
    scope: { level: 'project', ref: project_id },
    trigger: { kind: 'Schedule', settings: { cron: '0 0 0 * * *' } },
    rules: [
      {
        template: 'latestPushedK',
        params: { latestPushedK: 10 },
        tag_selectors: [{ kind: 'doublestar', decoration: 'matches', pattern: '**' }],
        scope_selectors: {
          repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: '**' }],
        },
      },
    ],
  });
  const project = (await server.api('GET', `${API}/projects/${PROJECT}`)) as {
    metadata: { retention_id: string };
  };
  await server.api('POST', `${API}/retentions/${project.metadata.retention_id}/executions`, {
    dry_run: true,
  });
  await server.api('POST', `${API}/scanners`, {
    name: 'second',
    description: 'Looks again',
    url: 'http://127.0.0.1:9',
    auth: 'Bearer',
    access_credential: 'a-token',
  });
  await server.api('POST', `${API}/projects/${PROJECT}/vex`, {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': 'https://example.com/vex/openssl',
    author: 'Security team <security@example.com>',
    timestamp: '2026-05-01T00:00:00Z',
    statements: [
      {
        vulnerability: { name: 'CVE-2026-1001' },
        products: [{ '@id': 'pkg:deb/debian/openssl' }],
        status: 'not_affected',
        justification: 'vulnerable_code_not_in_execute_path',
      },
      { vulnerability: { name: 'CVE-2026-1002' }, status: 'fixed' },
    ],
  });
  await server.api('POST', `${API}/usergroups`, { group_name: 'developers', group_type: 2 });
  await server.api('POST', `${API}/system/gc/schedule`, {
    schedule: { type: 'Manual' },
    parameters: { delete_untagged: false },
  });
  await until(async () => {
    const runs = (await server.api('GET', `${API}/system/gc`)) as { job_status: string }[];
    return runs[0]?.job_status === 'Success';
  });
  await server.api('POST', `${API}/system/gc/schedule`, {
    schedule: { type: 'Manual' },
    parameters: { dry_run: true },
  });
  return { digest: first.digest };
}

/** Asks until it is so; the test's own time is the limit. */
async function until(so: () => Promise<boolean>): Promise<void> {
  while (!(await so())) await new Promise((resolve) => setTimeout(resolve, 200));
}

/** Scans, and waits for the end of it. */
async function scan(server: Server, artifact: string): Promise<void> {
  await server.api('POST', `${artifact}/scan`);
  await until(async () => {
    const { scan_overview } = (await server.api('GET', `${artifact}?with_scan_overview=true`)) as {
      scan_overview: Record<string, { scan_status: string }>;
    };
    const status = Object.values(scan_overview)[0]?.scan_status;
    if (status === 'Error') throw new Error(`the scan of ${artifact} failed`);
    return status === 'Success';
  });
}

/** Has the SBOM made, and waits for it. */
async function makeSbom(server: Server, artifact: string): Promise<void> {
  await server.api('POST', `${artifact}/scan`, { scan_type: 'sbom' });
  await until(async () => {
    const { sbom_overview } = (await server.api('GET', `${artifact}?with_sbom_overview=true`)) as {
      sbom_overview: { scan_status: string } | null;
    };
    if (sbom_overview?.scan_status === 'Error') throw new Error(`no SBOM of ${artifact} was made`);
    return sbom_overview?.scan_status === 'Success';
  });
}

/** Every page with the heading by which one knows that it is there. */
export function pages(digest: string): { name: string; path: string; heading: string }[] {
  const project = `/projects/${PROJECT}`;
  const repository = `${project}/repositories/web`;
  return [
    { name: 'projects', path: '/projects', heading: 'Projects' },
    { name: 'project-summary', path: project, heading: 'Latest pushes' },
    { name: 'project-repositories', path: `${project}/repositories`, heading: PROJECT },
    { name: 'project-deleted', path: `${project}/repositories?show=deleted`, heading: PROJECT },
    { name: 'project-members', path: `${project}/members`, heading: 'Members' },
    { name: 'project-labels', path: `${project}/labels`, heading: 'Labels' },
    { name: 'project-robots', path: `${project}/robots`, heading: 'Robot accounts' },
    { name: 'project-webhooks', path: `${project}/webhooks`, heading: 'Webhooks' },
    { name: 'project-retention', path: `${project}/retention`, heading: 'Retention' },
    { name: 'project-immutability', path: `${project}/immutability`, heading: 'Immutable tags' },
    { name: 'project-vex', path: `${project}/vex`, heading: 'VEX documents' },
    { name: 'project-exports', path: `${project}/exports`, heading: 'Your exports' },
    { name: 'project-logs', path: `${project}/logs`, heading: 'Access log' },
    { name: 'project-settings', path: `${project}/settings`, heading: 'Configuration' },
    { name: 'repository', path: repository, heading: 'web' },
    { name: 'artifact', path: `${repository}/artifacts/2.0`, heading: 'sha256:' },
    {
      name: 'artifact-vulnerabilities',
      path: `${repository}/artifacts/2.0?part=vulnerabilities`,
      heading: 'Doubtful things',
    },
    {
      name: 'artifact-unscanned',
      path: `${repository}/artifacts/1.1?part=vulnerabilities`,
      heading: 'has not been scanned',
    },
    { name: 'artifact-sbom', path: `${repository}/artifacts/2.0?part=sbom`, heading: 'sha256:' },
    {
      name: 'artifact-no-sbom',
      path: `${repository}/artifacts/1.1?part=sbom`,
      heading: 'has no SBOM',
    },
    {
      name: 'artifact-index-sbom',
      path: `${repository}/artifacts/latest?part=sbom`,
      heading: 'sha256:',
    },
    { name: 'artifact-index', path: `${repository}/artifacts/latest`, heading: 'sha256:' },
    {
      name: 'artifact-history',
      path: `${repository}/artifacts/${digest}?part=history`,
      heading: 'sha256:',
    },
    { name: 'tag-history', path: `${repository}/tags/1.0`, heading: '1.0' },
    { name: 'search', path: '/search?q=w', heading: 'Found for' },
    { name: 'search-tags', path: '/search?q=1.', heading: 'Found for' },
    { name: 'search-cve', path: '/search?q=CVE-2026-1001', heading: 'Found for' },
    { name: 'logs', path: '/logs', heading: 'Access log' },
    { name: 'profile', path: '/profile', heading: 'Profile' },
    { name: 'admin-health', path: '/admin/health', heading: 'Health and storage' },
    { name: 'admin-users', path: '/admin/users', heading: 'Users' },
    { name: 'admin-groups', path: '/admin/groups', heading: 'Groups' },
    { name: 'admin-robots', path: '/admin/robots', heading: 'Robot accounts' },
    { name: 'admin-labels', path: '/admin/labels', heading: 'Labels' },
    { name: 'admin-quotas', path: '/admin/quotas', heading: 'Quotas' },
    { name: 'admin-security', path: '/admin/security', heading: 'Worst images' },
    { name: 'admin-scanners', path: '/admin/scanners', heading: 'Scanners' },
    { name: 'admin-advisories', path: '/admin/advisories', heading: 'Advisories' },
    { name: 'admin-cleanup', path: '/admin/cleanup', heading: 'Clean-up' },
    { name: 'admin-jobs', path: '/admin/jobs', heading: 'Jobs' },
    { name: 'admin-settings', path: '/admin/settings', heading: 'Settings' },
  ];
}
