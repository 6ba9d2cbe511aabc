import type { search as english } from '../en/search';
import type { Translated } from '../translate';

export const search: Translated<typeof english> = {
  open: '搜索',
  title: '搜索项目、镜像仓库、标签和漏洞',
  hint: '名称的一部分、标签、sha256:…、CVE-…',
  none: '没有名称包含“{words}”的内容',
  noneNext: '名称按任意部分查找，标签和摘要按开头查找，漏洞按编号查找。',
  count: '找到 {count} 项',
  projects: '项目',
  repositories: '镜像仓库',
  artifacts: '标签和摘要',
  artifactsAbout: '标签或摘要以此开头的制品，最多二十个。',
  vulnerabilities: '存在此漏洞的镜像',
  vulnerabilitiesAbout: '仅限已扫描的镜像，最多二十个。',
  keys: '方向键移动，回车打开，Esc 关闭。',
  results: '“{words}”的搜索结果',
};
