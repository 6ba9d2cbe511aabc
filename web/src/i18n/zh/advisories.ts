import type { advisories as english } from '../en/advisories';
import type { Translated } from '../translate';

export const advisories: Translated<typeof english> = {
  title: '漏洞公告',
  about: '镜像据此比对。新的导入会立即体现在所有报告中，无需重新扫描。',
  none: '还没有漏洞公告',
  noneNext:
    '在有公告之前，扫描“未发现”没有意义。可按地址添加来源、上传文件，或在服务器所在机器上运行：',
  name: '来源',
  revision: '修订',
  count: '公告数',
  skipped: '未采用',
  imported: '导入时间',
  newest: '最新公告',
  old: '陈旧',
  copyRevision: '复制修订号',
  create: '添加来源',
  edit: '编辑 {name}',
  nameRule: '字母、数字、“.”、“_”和“-”，以字母或数字开头',
  url: '地址',
  urlAbout:
    '文件（https://…/all.zip）、其他仓库中的制品（oci://host/repository:tag），或本仓库中的制品（registry:project/repository:tag）',
  urlRule: '须以 https://、http://、oci://、oci+http:// 或 registry: 开头',
  fetched: '获取时间',
  byHand: '手动上传',
  binary: '名称为二进制软件包名',
  binaryAbout: '用于不以源码包命名的发行版来源，通常不选。',
  fetchNow: '立即获取',
  begun: '正在获取 {name}',
  updating: '获取中',
  problem: '上次失败：{why}',
  send: '上传文件',
  sendTo: '上传文件到 {name}',
  sendAbout:
    '将替换该来源现有的内容。支持 OSV、Alpine、Debian 的 zip 与 JSON、已被利用漏洞清单、EPSS，最大 2 GiB。',
  file: '文件',
  import: '导入',
  taken: '{advisories} 条公告，{changed} 条新增或变化；{images} 个镜像的结果改变',
  deleteTitle: '删除来源',
  deleteAsk: '将删除 {name} 及其公告；此后评估镜像时不再使用它们。',
};
