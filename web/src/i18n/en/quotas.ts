/** Quotas of projects. */
export const quotas = {
  title: 'Quotas',
  about: 'How much each project holds, and may hold at most.',
  used: 'Used',
  usedOf: 'Used by {name}',
  limit: 'Limit',
  limited: 'There is a limit',
  noneNext: 'Each project has its quota as soon as it is made.',
} as const;
