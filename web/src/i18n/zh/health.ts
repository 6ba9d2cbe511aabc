import type { health as english } from '../en/health';
import type { Translated } from '../translate';

export const health: Translated<typeof english> = {
  title: '健康与存储',
  parts: '服务器组件',
  part: '组件',
  why: '原因',
  version: '版本',
  storage: '磁盘',
  storageAbout: '仓库数据目录所在的磁盘。',
  free: '共 {total}，剩余 {free}（已用 {share}）',
};
