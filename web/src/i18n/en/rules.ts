/** Rules of fields. */
export const rules = {
  required: 'This is needed',
  password: '8 to 128 characters with an upper-case letter, a lower-case letter and a digit',
  repeated: 'The two are not the same',
  projectName: 'Lower-case letters and digits, with single . _ - between them',
  cron: 'Six fields: second, minute, hour, day, month, weekday (UTC)',
  number: 'A number is needed',
} as const;
