import type { repositories as english } from '../en/repositories';
import type { Translated } from '../translate';

export const repositories: Translated<typeof english> = {
  title: '镜像仓库',
  search: '查找镜像仓库',
  artifacts: '制品数',
  pulls: '拉取数',
  vulnerabilities: '最新已扫描镜像',
  none: '此项目为空',
  noneNext: '首次推送后镜像仓库会自动出现：',
  delete: '删除镜像仓库',
  deleteAbout: '将删除 {name} 及其全部内容。数天内可从“已删除的镜像仓库”中恢复。',
  deleted: '已删除的镜像仓库',
  deletedAbout: '在保留期结束前可以恢复。',
  deletedNone: '没有可恢复的镜像仓库',
  deletedAt: '删除时间',
  deletedBy: '删除者',
  restored: '{name} 已恢复',
  about: '简介',
  aboutEmpty: '尚未填写此仓库的说明。',
  aboutHint: '仓库内容及用法',
};
