/** Kinds of webhook targets. */
export const targets = {
  http: 'HTTP',
  slack: 'Slack',
} as const;
