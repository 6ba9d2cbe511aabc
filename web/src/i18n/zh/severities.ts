import type { severities as english } from '../en/severities';
import type { Translated } from '../translate';

export const severities: Translated<typeof english> = {
  Critical: '危急',
  High: '高',
  Medium: '中',
  Low: '低',
  Negligible: '可忽略',
  Unknown: '未知',
  None: '无',
  critical: '危急',
  high: '高',
  medium: '中',
  low: '低',
  none: '无',
  info: '提示',
};
