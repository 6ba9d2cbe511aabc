import type { groups as english } from '../en/groups';
import type { Translated } from '../translate';

export const groups: Translated<typeof english> = {
  title: '用户组',
  about: '用户组可像用户一样成为项目成员，组员由目录服务决定。',
  create: '新建用户组',
  edit: '编辑用户组',
  search: '查找用户组',
  dn: '目录中的名称',
  kind1: 'LDAP',
  kind2: '代理',
  kind3: 'OIDC',
  none: '还没有用户组',
  noneNext: '创建后可在项目中为其分配角色。',
  delete: '删除用户组',
  deleteAbout: '{name} 将失去在所有项目中的角色，其用户保留。',
};
