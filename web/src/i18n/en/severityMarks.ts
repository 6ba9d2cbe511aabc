/** Severities where there is room for a letter only; their counts are told in words beside it. */
export const severityMarks = {
  Critical: 'C',
  High: 'H',
  Medium: 'M',
  Low: 'L',
  Negligible: 'N',
  Unknown: '?',
} as const;
