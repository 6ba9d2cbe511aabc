import type { projects as english } from '../en/projects';
import type { Translated } from '../translate';

export const projects: Translated<typeof english> = {
  title: '项目',
  about: '项目包含镜像仓库，并决定谁可以推送和拉取。',
  create: '新建项目',
  created: '已创建 {name}',
  name: '项目名称',
  visibility: '访问级别',
  public: '公开',
  private: '私有',
  all: '公开和私有',
  role: '您的角色',
  repositories: '镜像仓库',
  search: '查找项目',
  none: '还没有项目',
  noneNext: '请新建项目：镜像名称的第一部分即为项目，首次推送前必须存在。',
  noneVisitor: '没有公开项目。请登录以查看您的项目。',
  open: '公开',
  openAbout: '任何人无需登录即可拉取。',
  limit: '存储上限（GiB）',
  limitAbout: '留空则使用系统设置中的默认值。',
  figureProjects: '项目数',
  figureRepositories: '镜像仓库数',
  figurePublic: '公开项目数',
  figureStorage: '已用存储',
};
