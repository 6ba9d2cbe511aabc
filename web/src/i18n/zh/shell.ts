import type { shell as english } from '../en/shell';
import type { Translated } from '../translate';

export const shell: Translated<typeof english> = {
  skip: '跳到正文',
  home: 'Berth，前往项目列表',
  openMenu: '打开导航',
  closeMenu: '关闭导航',
  navigation: '主导航',
  version: '版本 {version}',
  readOnly: '仓库处于只读模式',
  readOnlyNext: '可以拉取；在管理员关闭只读模式之前无法推送或更改。',
  language: '语言',
  light: '使用浅色主题',
  dark: '使用深色主题',
  account: '{name} 的账户',
  profile: '个人资料与密码',
  api: 'API 文档',
  logOut: '退出登录',
  notFound: '页面不存在',
  notFoundNext: '地址可能有误，或者所指内容已被删除。',
  toProjects: '前往项目列表',
};
