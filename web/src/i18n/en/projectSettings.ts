/** The configuration of a project. */
export const projectSettings = {
  title: 'Configuration',
  allowlist: 'Vulnerabilities that are let pass',
  allowlistAbout: 'Those on the list do not count against an image.',
  allowlistSystem: 'The system’s list',
  allowlistOwn: 'A list of this project',
  cves: 'CVE ids',
  cvesAbout: 'Such as CVE-2024-12345; Enter adds one.',
  end: 'Delete this project',
  delete: 'Delete project',
  deleteAbout: 'Only an empty project can be deleted: delete its repositories first.',
  deleteAsk: '{name} goes with its members, robots, policies and webhooks. This cannot be undone.',
} as const;
