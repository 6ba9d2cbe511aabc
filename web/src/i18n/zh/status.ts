import type { status as english } from '../en/status';
import type { Translated } from '../translate';

export const status: Translated<typeof english> = {
  success: '成功',
  succeed: '成功',
  error: '失败',
  running: '运行中',
  pending: '等待中',
  scheduled: '已计划',
  stopped: '已停止',
  healthy: '健康',
  unhealthy: '异常',
  current: '当前',
  held: '仍保留',
  deleted: '已删除',
  gone: '已清除',
};
