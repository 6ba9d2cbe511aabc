import type { doubtTitles as english } from '../en/doubtTitles';
import type { Translated } from '../translate';

export const doubtTitles: Translated<typeof english> = {
  'CIS-DI-0001': '以 root 身份运行',
  'CIS-DI-0006': '没有健康检查',
  'CIS-DI-0007': '单独执行 apt-get update',
  'CIS-DI-0009': '可用 COPY 却用了 ADD',
  'DKL-DI-0001': '构建中使用 sudo',
  'DKL-DI-0002': '卷覆盖了系统目录',
  'DKL-DI-0003': '执行 apt-get dist-upgrade',
  'DKL-DI-0004': 'apk 保留了缓存',
  'DKL-DI-0005': '留下了软件包列表',
  'DKL-DI-0006': '使用 latest 标签',
  'DS-0004': '暴露了 SSH 端口',
  'DS-0021': 'apt-get 会询问',
  'DS-0029': '安装了推荐的软件包',
  'DS-0009': '相对路径的 WORKDIR',
  'DS-0013': 'cd 对下一步骤无效',
  'DS-0015': '软件包管理器保留了缓存',
  'DS-0019': '软件包管理器保留了缓存',
  'DS-0020': '软件包管理器保留了缓存',
  'DS-0022': '使用 MAINTAINER',
  'DS-0027': '软件包管理器保留了缓存',
  'DS-0030': 'WORKDIR 位于系统目录',
};
