/** Retention. */
export const retention = {
  about:
    'What any rule keeps is kept; everything else in the repositories that rules speak of goes.',
  next: 'Add a rule that says what to keep, look at a preview, then let it run by itself.',
  rest: 'What no rule keeps is deleted by a run. Look at a preview first.',
  preview: 'Preview',
  run: 'Run now',
  runAbout: 'Tags that no rule keeps are deleted. For some days they can be brought back.',
  began: 'A run began',
  real: 'Run',
  keep: 'Keep',
  count: 'How many',
  days: 'Days',
  untagged: 'Artifacts without a tag are judged, too',
  untaggedAbout: 'If not, they stay as they are.',
  untaggedToo: 'and what has no tag',
  details: 'Details',
  kept: 'Kept',
  keptOf: '{kept} of {total}',
  ofRun: 'Repositories of run {id}',
  noTasks: 'No repository had to be looked at.',
  runsNext: 'A preview deletes nothing and says what a run would do.',
} as const;
