/** Feeds of advisories. */
export const advisories = {
  title: 'Advisories',
  about:
    'What images are held against. A new import is seen in every report at once; nothing has to be scanned again.',
  none: 'There are no advisories yet',
  noneNext:
    'Until there are some, that a scan finds nothing means nothing. Add a feed by its address, send a file, or on the machine of the server:',
  name: 'Feed',
  revision: 'Revision',
  count: 'Advisories',
  skipped: 'Not used',
  imported: 'Imported',
  newest: 'Newest advisory',
  old: 'old',
  copyRevision: 'Copy revision',
  create: 'Add feed',
  edit: 'Edit {name}',
  nameRule: 'Letters, digits, “.”, “_” and “-”, beginning with a letter or digit',
  url: 'Address',
  urlAbout:
    'A file (https://…/all.zip), an artifact of another registry (oci://host/repository:tag), or one of this registry (registry:project/repository:tag)',
  urlRule: 'Begin with https://, http://, oci://, oci+http:// or registry:',
  fetched: 'Fetched',
  byHand: 'Sent by hand',
  binary: 'Names are those of binary packages',
  binaryAbout: 'For feeds of distributions that do not name source packages. Usually off.',
  fetchNow: 'Fetch now',
  begun: '{name} is being fetched',
  updating: 'Being fetched',
  problem: 'The last time it failed: {why}',
  send: 'Send a file',
  sendTo: 'Send a file to {name}',
  sendAbout:
    'It takes the place of what the feed holds. Zip archives and JSON of OSV, Alpine and Debian, the list of exploited vulnerabilities, EPSS; up to 2 GiB.',
  file: 'File',
  import: 'Import',
  taken:
    '{advisories} advisories, {changed} new or changed; {images} images are affected otherwise',
  deleteTitle: 'Delete feed',
  deleteAsk: '{name} and its advisories are deleted; images are judged without them from then on.',
} as const;
