/** What begins a run. */
export const triggers = {
  MANUAL: 'A person',
  SCHEDULE: 'The schedule',
  EVENT: 'An event',
} as const;
