/** Feeds of advisories. */
export const advisories = {
  title: 'Advisories',
  about:
    'What images are held against. A new import is seen in every report at once; nothing has to be scanned again.',
  none: 'There are no advisories yet',
  noneNext:
    'Until some are imported, that a scan finds nothing means nothing. On the machine of the server:',
  name: 'Feed',
  revision: 'Revision',
  count: 'Advisories',
  skipped: 'Not used',
  imported: 'Imported',
  newest: 'Newest advisory',
  old: 'old',
  copyRevision: 'Copy revision',
} as const;
