/** What came of runs of upkeep. */
export const outcomes = {
  freed_space: 'Freed',
  purged_blobs: 'Layers',
  purged_manifests: 'Artifacts',
  purged: 'Lines',
  checked: 'Checked',
  found: 'Problems',
  repaired: 'Put right',
} as const;
