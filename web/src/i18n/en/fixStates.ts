/** What can be done about a vulnerability. */
export const fixStates = {
  fixed: 'Mended in a newer version',
  affected: 'Not mended yet',
  under_investigation: 'Being looked into',
  fix_deferred: 'Put off',
  will_not_fix: 'Will not be mended',
  end_of_life: 'No longer maintained',
} as const;
