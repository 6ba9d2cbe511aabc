/** What the examples of rules for pulls ask for. */
export const pullExamples = {
  exploited: 'Nothing that is known to be exploited',
  young: 'Pushed in the last 30 days, or tagged lts',
  signed: 'Signed, and scanned in the last week',
} as const;
