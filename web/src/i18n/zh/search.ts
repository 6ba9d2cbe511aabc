import type { search as english } from '../en/search';
import type { Translated } from '../translate';

export const search: Translated<typeof english> = {
  open: '搜索',
  title: '搜索项目和镜像仓库',
  hint: '名称的一部分',
  none: '没有名称包含“{words}”的内容',
  projects: '项目',
  repositories: '镜像仓库',
  keys: '方向键移动，回车打开，Esc 关闭。',
  results: '“{words}”的搜索结果',
};
