import type { members as english } from '../en/members';
import type { Translated } from '../translate';

export const members: Translated<typeof english> = {
  title: '成员',
  about: '成员可以看到项目，其角色决定可执行的操作。',
  add: '添加成员',
  added: '{name} 已成为成员',
  search: '查找成员',
  role: '角色',
  roleOf: '{name} 的角色',
  user: '用户',
  group: '用户组',
  remove: '移除成员',
  removeAbout: '{name} 将失去在此项目中的角色，已推送的内容保留。',
  removed: '已移除 {name}',
};
