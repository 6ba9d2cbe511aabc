/** Events of webhooks. */
export const events = {
  PUSH_ARTIFACT: 'Push',
  PULL_ARTIFACT: 'Pull',
  DELETE_ARTIFACT: 'Deletion',
  QUOTA_EXCEED: 'Quota exceeded',
  QUOTA_WARNING: 'Quota nearly full',
  SCANNING_FAILED: 'Scan failed',
  SCANNING_STOPPED: 'Scan stopped',
  SCANNING_COMPLETED: 'Scan finished',
  REPLICATION: 'Replication',
  TAG_RETENTION: 'Retention',
} as const;
