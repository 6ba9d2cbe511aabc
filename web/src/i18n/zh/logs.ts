import type { logs as english } from '../en/logs';
import type { Translated } from '../translate';

export const logs: Translated<typeof english> = {
  title: '访问日志',
  about: '在您管理的项目中，谁做了什么。',
  aboutAdmin: '所有项目中谁做了什么。',
  aboutProject: '在此项目中谁做了什么。',
  time: '时间',
  user: '用户',
  operation: '操作',
  kind: '资源类型',
  resource: '资源',
  result: '结果',
  ok: '成功',
  refused: '失败',
  times: '{count} 次',
  filterUser: '用户包含',
  filterResource: '资源包含',
  anyOperation: '全部操作',
  none: '还没有任何记录',
  noneNext: '推送、拉取和更改会在一秒内记录于此。',
  since: '起始日期',
};
