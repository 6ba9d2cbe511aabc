import type { schedule as english } from '../en/schedule';
import type { Translated } from '../translate';

export const schedule: Translated<typeof english> = {
  title: '计划',
  change: '更改计划',
  runs: '运行频率',
  cron: 'Cron 表达式',
  next: '下次：{time}',
  None: '仅手动',
  Manual: '仅手动',
  Hourly: '每小时',
  Daily: '每天零点（UTC）',
  Weekly: '每周（UTC）',
  Custom: '自定义',
};
