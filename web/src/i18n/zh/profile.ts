import type { profile as english } from '../en/profile';
import type { Translated } from '../translate';

export const profile: Translated<typeof english> = {
  title: '个人资料',
  account: '账户',
  accountAbout: '用户名无法更改。',
  password: '密码',
  passwordAbout: '设置新密码会结束您的其他所有会话和刷新令牌。',
  change: '修改密码',
  changed: '密码已修改',
  client: '使用客户端登录',
  clientAbout: '程序应使用机器人账户，而不是您的个人账户。',
  clientCommand: '复制登录命令',
};
