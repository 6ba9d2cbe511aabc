/** What limits and rules for pulls count. */
export const pullCounts = {
  critical: 'Critical',
  high: 'High',
  medium: 'Medium',
  low: 'Low',
  negligible: 'Negligible',
  unknown: 'Unknown',
  total: 'All together',
  fixable: 'With a fixed version',
  exploited: 'Known to be exploited',
} as const;
