/** Entries of the side navigation. */
export const nav = {
  projects: 'Projects',
  logs: 'Access log',
  administration: 'Administration',
  health: 'Health and storage',
  users: 'Users',
  groups: 'Groups',
  robots: 'Robot accounts',
  labels: 'Labels',
  quotas: 'Quotas',
  cleanup: 'Clean-up',
  jobs: 'Jobs',
  settings: 'Settings',
  security: 'Security overview',
  scanners: 'Scanners',
  advisories: 'Advisories',
} as const;
