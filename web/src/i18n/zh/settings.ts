import type { settings as english } from '../en/settings';
import type { Translated } from '../translate';

export const settings: Translated<typeof english> = {
  title: '系统设置',
  about: '更改立即生效。配置文件中固定的项目无法在此修改。',
  fixed: '由配置文件固定',
  allowlist: '允许的漏洞',
  until: '有效期至',
  untilAbout: '留空表示永久有效。',
  back: '放弃更改',
  system: '系统',
  projects: '项目',
  accounts: '账户与机器人',
  log: '访问日志与计数',
};
