import type { users as english } from '../en/users';
import type { Translated } from '../translate';

export const users: Translated<typeof english> = {
  title: '用户',
  about: '可使用用户名和密码登录的账户。',
  create: '新建用户',
  created: '{name} 现在可以登录',
  name: '用户名',
  email: '电子邮件',
  realname: '姓名',
  comment: '备注',
  registered: '注册时间',
  admin: '管理员',
  makeAdmin: '设为管理员',
  dropAdmin: '取消管理员',
  makeAdminAbout: '{name} 将拥有所有项目的全部权限。',
  dropAdminAbout: '{name} 将保留在各项目中的角色。',
  resetPassword: '重置密码',
  resetDone: '已为 {name} 设置新密码，所有会话均已结束',
  delete: '删除用户',
  deleteAbout: '{name} 将无法再登录。其操作记录仍保留在访问日志中。',
  oldPassword: '当前密码',
  newPassword: '新密码',
  repeated: '再次输入密码',
  search: '查找用户',
  none: '没有此名称的用户',
  noneNext: '请更改或清除筛选条件。',
};
