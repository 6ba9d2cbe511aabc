/** States of jobs, tags and components. */
export const status = {
  success: 'Succeeded',
  succeed: 'Succeeded',
  error: 'Failed',
  running: 'Running',
  pending: 'Waiting',
  scheduled: 'Scheduled',
  stopped: 'Stopped',
  healthy: 'Healthy',
  unhealthy: 'Unhealthy',
  current: 'Current',
  held: 'Still here',
  deleted: 'Deleted',
  gone: 'Gone',
} as const;
