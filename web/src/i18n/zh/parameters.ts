import type { parameters as english } from '../en/parameters';
import type { Translated } from '../translate';

export const parameters: Translated<typeof english> = {
  delete_untagged: '同时删除无标签的制品',
  delete_untagged_about: '仅限未被索引引用且不属于其他制品的。',
  empty_trash: '同时清空可恢复的已删除内容',
  empty_trash_about: '清空后无法恢复。',
  workers: '同时删除数',
  time_limit_minutes: '最长分钟数',
  time_limit_minutes_about: '0 表示直到完成。',
  audit_retention_hour: '保留时长（小时）',
  audit_retention_hour_about: '2160 小时即 90 天。',
  rate_mib: '每秒最多 MiB',
  rehash: '读取全部数据',
  rehash_about: '较慢，可发现静默损坏。',
};
