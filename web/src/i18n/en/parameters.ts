/** What runs of upkeep are told. */
export const parameters = {
  delete_untagged: 'Artifacts without a tag, too',
  delete_untagged_about: 'Those that no index names and that belong to nothing.',
  empty_trash: 'What was deleted and could be brought back, too',
  empty_trash_about: 'It is then gone for good.',
  workers: 'Deletions at the same time',
  time_limit_minutes: 'Minutes at most',
  time_limit_minutes_about: '0: until it is done.',
  audit_retention_hour: 'Keep, hours',
  audit_retention_hour_about: '2160 hours are 90 days.',
  rate_mib: 'MiB a second at most',
  rehash: 'Read every byte',
  rehash_about: 'Slow; finds silent damage.',
} as const;
