/** Operations of the access log. */
export const operations = {
  create: 'Create',
  delete: 'Delete',
  update: 'Change',
  pull: 'Pull',
  push: 'Push',
  login: 'Log in',
  logout: 'Log out',
  start: 'Start',
  stop: 'Stop',
  restore: 'Restore',
} as const;
