import type { tagRules as english } from '../en/tagRules';
import type { Translated } from '../translate';

export const tagRules: Translated<typeof english> = {
  rule: '规则',
  add: '添加规则',
  edit: '编辑规则',
  delete: '删除规则',
  deleted: '规则已删除',
  turnOn: '启用',
  turnOff: '停用',
  none: '还没有规则',
  repositories: '镜像仓库',
  tags: '标签',
  matching: '匹配',
  except: '排除',
  pattern: '模式',
  repositoriesPattern: '镜像仓库的模式',
  tagsPattern: '标签的模式',
  unreadable: '括号未闭合',
  help: '** 匹配全部，* 匹配不含斜杠的任意字符，? 匹配一个字符，[0-9] 匹配一类字符；多选一写在花括号中，以逗号分隔。',
  preview: '现有 {total} 个标签中匹配 {count} 个',
  previewMore: '仅检查了最近推送的制品。',
  immutableAbout: '规则匹配的标签不能被移动或删除，任何人都不行。',
  immutableNext: '可为发布标签添加规则，例如 v*。',
};
