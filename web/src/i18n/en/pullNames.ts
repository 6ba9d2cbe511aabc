/** What a rule for pulls can ask of an image, beside counts. */
export const pullNames = {
  severity: 'The gravest there is: critical to unknown, or none',
  scanned: 'Whether it was scanned',
  scan_age_days: 'Whole days since the last scan; 1000000 without one',
  age_days: 'Whole days since it was pushed',
  repository: 'Such as team/app',
  digest: 'Such as sha256:…',
  tags: 'The 100 newest, also those of indexes that name it',
  signed: 'Whether a signature of cosign or notation is attached; whose it is is not looked at',
  distribution: 'Such as debian 12; empty where there is none or it was not scanned',
} as const;
