import type { nav as english } from '../en/nav';
import type { Translated } from '../translate';

export const nav: Translated<typeof english> = {
  projects: '项目',
  logs: '访问日志',
  administration: '系统管理',
  health: '健康与存储',
  users: '用户',
  groups: '用户组',
  robots: '机器人账户',
  labels: '标记',
  quotas: '配额',
  cleanup: '清理',
  jobs: '任务',
  settings: '系统设置',
  security: '安全总览',
  scanners: '扫描器',
  advisories: '漏洞公告',
};
