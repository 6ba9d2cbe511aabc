/** Kinds of jobs. */
export const jobKinds = {
  GARBAGE_COLLECTION: 'Garbage collection',
  PURGE_AUDIT_LOG: 'Access log purge',
  PURGE_AUDIT: 'Access log purge',
  QUOTA_RECONCILE: 'Quota check',
  REPAIR: 'Repair',
  RETENTION: 'Retention',
  SCHEDULER: 'Scheduler',
  SCRUB: 'Scrub',
  SLACK: 'Slack webhooks',
  WEBHOOK: 'Webhooks',
  IMAGE_SCAN: 'Scan',
  SBOM: 'SBOM',
  SCAN_ALL: 'Scan of everything',
  SCAN_DATA_EXPORT: 'CVE export',
  SYSTEM_ARTIFACT_CLEANUP: 'Cleaning of exports',
  REPLICATION: 'Replication',
} as const;
