/** What OpenVEX documents say of a finding. */
export const vexStates = {
  not_affected: 'Not affected',
  fixed: 'Fixed here',
  affected: 'Affected',
  under_investigation: 'Being looked into',
} as const;
