import type { outcomes as english } from '../en/outcomes';
import type { Translated } from '../translate';

export const outcomes: Translated<typeof english> = {
  freed_space: '释放',
  purged_blobs: '层',
  purged_manifests: '制品',
  purged: '条目',
  checked: '已检查',
  found: '问题',
  repaired: '已修复',
};
