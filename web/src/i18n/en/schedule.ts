/** Schedules. */
export const schedule = {
  title: 'Schedule',
  change: 'Change schedule',
  runs: 'Runs',
  cron: 'Cron',
  next: 'Next: {time}',
  None: 'Only when asked',
  Manual: 'Only when asked',
  Hourly: 'Every hour',
  Daily: 'Every day at midnight (UTC)',
  Weekly: 'Every week (UTC)',
  Custom: 'At times of its own',
} as const;
