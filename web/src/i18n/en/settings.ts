/** Settings of the system. */
export const settings = {
  title: 'Settings',
  about: 'They take effect at once. What the configuration file holds fast cannot be changed here.',
  fixed: 'Held fast by the configuration',
  allowlist: 'Vulnerabilities that are let pass',
  until: 'Until',
  untilAbout: 'Empty: for ever.',
  back: 'Discard changes',
  system: 'System',
  projects: 'Projects',
  accounts: 'Accounts and robots',
  log: 'Access log and counters',
} as const;
