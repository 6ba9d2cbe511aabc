import type { actions as english } from '../en/actions';
import type { Translated } from '../translate';

export const actions: Translated<typeof english> = {
  create: '创建',
  read: '读取',
  update: '更新',
  delete: '删除',
  list: '列出',
  pull: '拉取',
  push: '推送',
  stop: '停止',
  operate: '执行',
};
