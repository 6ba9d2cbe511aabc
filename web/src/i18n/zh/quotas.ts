import type { quotas as english } from '../en/quotas';
import type { Translated } from '../translate';

export const quotas: Translated<typeof english> = {
  title: '配额',
  about: '各项目的已用存储及上限。',
  used: '已用',
  usedOf: '{name} 的已用量',
  limit: '上限',
  limited: '设置上限',
  noneNext: '项目创建后即有配额。',
};
