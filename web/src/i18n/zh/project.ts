import type { project as english } from '../en/project';
import type { Translated } from '../translate';

export const project: Translated<typeof english> = {
  tabs: '项目的各部分',
  summary: '概要',
  repositories: '镜像仓库',
  members: '成员',
  labels: '标记',
  robots: '机器人账户',
  webhooks: 'Webhook',
  retention: '保留策略',
  immutability: '不可变标签',
  vex: 'VEX',
  exports: 'CVE 导出',
  logs: '日志',
  settings: '设置',
  storage: '存储',
  storageOf: '已用 {used}，上限 {limit}',
  storageFree: '已用 {used}，无上限',
  membersCount: '各角色成员数',
  owner: '创建者',
  push: '推送镜像',
  pushAbout: '登录一次，以此项目命名镜像，然后推送。',
  vulnerabilities: '漏洞',
  latest: '最近推送',
  latestNone: '尚未推送任何内容。',
};
