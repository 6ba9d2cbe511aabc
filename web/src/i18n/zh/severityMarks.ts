import type { severityMarks as english } from '../en/severityMarks';
import type { Translated } from '../translate';

export const severityMarks: Translated<typeof english> = {
  Critical: '危',
  High: '高',
  Medium: '中',
  Low: '低',
  Negligible: '微',
  Unknown: '?',
};
