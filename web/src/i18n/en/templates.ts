/** Templates of retention. */
export const templates = {
  latestPushedK: 'The tags pushed last',
  latestPulledN: 'The tags pulled last',
  nDaysSinceLastPush: 'Tags pushed within so many days',
  nDaysSinceLastPull: 'Tags pulled within so many days',
  always: 'Everything',
  latestActiveK: 'The tags active last',
  lastXDays: 'Tags active within so many days',
} as const;
