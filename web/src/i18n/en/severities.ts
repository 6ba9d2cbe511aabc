/** How grave something is. */
export const severities = {
  Critical: 'Critical',
  High: 'High',
  Medium: 'Medium',
  Low: 'Low',
  Negligible: 'Negligible',
  Unknown: 'Unknown',
  None: 'None',
  critical: 'Critical',
  high: 'High',
  medium: 'Medium',
  low: 'Low',
  none: 'None',
  info: 'Worth knowing',
} as const;
