import type { resourceTypes as english } from '../en/resourceTypes';
import type { Translated } from '../translate';

export const resourceTypes: Translated<typeof english> = {
  advisory_feed: '漏洞公告来源',
  artifact: '制品',
  configuration: '系统设置',
  'export-cve': 'CVE 导出',
  gc: '垃圾回收',
  immutable_rule: '不可变规则',
  label: '标记',
  member: '成员',
  project: '项目',
  purge_audit: '日志清理',
  quota: '配额',
  repair: '修复',
  repository: '镜像仓库',
  robot: '机器人账户',
  scan: '扫描',
  scanner: '扫描器',
  scrub: '数据校验',
  tag: '标签',
  tag_retention: '保留策略',
  user: '用户',
  usergroup: '用户组',
  vex: 'VEX 文档',
  webhook: 'Webhook',
};
