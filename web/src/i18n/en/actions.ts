/** Actions of permissions. */
export const actions = {
  create: 'Create',
  read: 'Read',
  update: 'Change',
  delete: 'Delete',
  list: 'List',
  pull: 'Pull',
  push: 'Push',
  stop: 'Stop',
  operate: 'Run',
} as const;
