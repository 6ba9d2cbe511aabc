/** Operations of the access log. */
export const operations = {
  create: 'Create',
  delete: 'Delete',
  update: 'Change',
  pull: 'Pull',
  push: 'Push',
  login: 'Log in',
  logout: 'Log out',
  restore: 'Restore',
} as const;
