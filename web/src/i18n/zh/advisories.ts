import type { advisories as english } from '../en/advisories';
import type { Translated } from '../translate';

export const advisories: Translated<typeof english> = {
  title: '漏洞公告',
  about: '镜像据此比对。新的导入会立即体现在所有报告中，无需重新扫描。',
  none: '还没有漏洞公告',
  noneNext: '在导入之前，扫描“未发现”没有意义。请在服务器所在机器上运行：',
  name: '来源',
  revision: '修订',
  count: '公告数',
  skipped: '未采用',
  imported: '导入时间',
  newest: '最新公告',
  old: '陈旧',
  copyRevision: '复制修订号',
};
