import type { pullCounts as english } from '../en/pullCounts';
import type { Translated } from '../translate';

export const pullCounts: Translated<typeof english> = {
  critical: '危急',
  high: '高',
  medium: '中',
  low: '低',
  negligible: '可忽略',
  unknown: '未知',
  total: '总计',
  fixable: '有修复版本',
  exploited: '已知被利用',
};
