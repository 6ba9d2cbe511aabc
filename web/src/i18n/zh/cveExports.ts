import type { cveExports as english } from '../en/cveExports';
import type { Translated } from '../translate';

export const cveExports: Translated<typeof english> = {
  title: '您的导出',
  about: '将已扫描镜像的漏洞导出为 CSV。文件在 24 小时内可下载一次。',
  make: '新建导出',
  repositories: '镜像仓库',
  repositoriesAbout: '用逗号分隔的匹配模式，不含项目名：app*,team/**。留空表示全部。',
  tags: '标签',
  tagsAbout: '用逗号分隔的匹配模式：v1.*,latest。留空表示全部。',
  labels: '标记',
  labelsAbout: '镜像带有其中之一。不选表示全部镜像。',
  ids: '漏洞',
  idsAbout: '用逗号分隔的编号：CVE-2026-1234。留空表示全部。',
  begin: '导出',
  begun: '导出已开始',
  none: '还没有导出',
  noneNext: '新建一个：后台生成后会列在这里。',
  fetch: '下载',
  gone: '已下载或已过期',
  result: '结果',
};
