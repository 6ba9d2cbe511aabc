import type { labels as english } from '../en/labels';
import type { Translated } from '../translate';

export const labels: Translated<typeof english> = {
  title: '标记',
  label: '标记',
  about: '可贴在此项目制品上的标记，便于查找。',
  aboutSystem: '所有项目都可以使用的标记。',
  create: '新建标记',
  edit: '编辑标记',
  color: '颜色',
  pick: '从屏幕取色',
  search: '查找标记',
  none: '还没有标记',
  noneNext: '创建标记后，可在镜像仓库中为制品添加。',
  delete: '删除标记',
  deleteAbout: '{name} 将从所有制品上移除。',
};
