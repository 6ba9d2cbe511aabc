import type { login as english } from '../en/login';
import type { Translated } from '../translate';

export const login: Translated<typeof english> = {
  name: '用户名或电子邮件',
  password: '密码',
  show: '显示或隐藏密码',
  submit: '登录',
  first: '首次启动？用户名为“admin”，其密码在服务器首次启动时打印过一次。',
  browse: '浏览公开项目',
  register: '注册账户',
  registered: '账户已创建，请登录。',
  over: '会话已过期',
  overNext: '请以 {name} 身份重新登录，页面将从原处继续。',
  leave: '退出登录',
  goOn: '继续',
};
