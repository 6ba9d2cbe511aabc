/** Scanning everything. */
export const scanAll = {
  title: 'Scan everything',
  about: 'Every image of every project is scanned by the scanner of its project.',
  begin: 'Scan everything now',
  beginAsk: 'This can take long in a large registry. It can be stopped at any time.',
  begun: 'The scan has begun',
  stop: 'Stop',
  stopping: 'No more scans are begun',
  never: 'Everything was never scanned at once.',
  last: 'The last time',
  running: 'Running',
  scheduled: 'Begun by the schedule',
  progress: '{count} of {total} images',
} as const;
