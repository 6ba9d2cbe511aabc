import type { operations as english } from '../en/operations';
import type { Translated } from '../translate';

export const operations: Translated<typeof english> = {
  create: '创建',
  delete: '删除',
  update: '更新',
  pull: '拉取',
  push: '推送',
  login: '登录',
  logout: '退出',
  start: '开始',
  stop: '停止',
  restore: '恢复',
};
