/** Health and storage. */
export const health = {
  title: 'Health and storage',
  parts: 'Parts of the server',
  part: 'Part',
  why: 'Why',
  version: 'Version',
  storage: 'Disk',
  storageAbout: 'The disk that the registry’s data folder is on.',
  free: '{free} of {total} free ({share} used)',
} as const;
