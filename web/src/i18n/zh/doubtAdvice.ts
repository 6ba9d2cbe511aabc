import type { doubtAdvice as english } from '../en/doubtAdvice';
import type { Translated } from '../translate';

export const doubtAdvice: Translated<typeof english> = {
  'CIS-DI-0001': '请用 USER 指定无特权的账户',
  'CIS-DI-0006': '请添加 HEALTHCHECK，除非运行环境另有检查',
  'CIS-DI-0007': '请在同一步骤中更新并安装：缓存的更新会装上旧软件包',
  'CIS-DI-0009': '请使用 COPY：ADD 会自动下载和解压',
  'DKL-DI-0001': '请用 USER 以合适的用户执行该步骤',
  'DKL-DI-0002': '请勿将 /dev、/proc 或 /sys 设为卷',
  'DKL-DI-0003': '请改用更新的基础镜像',
  'DKL-DI-0004': '请使用 --no-cache 安装',
  'DKL-DI-0005': '请在同一步骤中删除 /var/lib/apt/lists',
  'DKL-DI-0006': '请使用能说明内容的标签，以便区分和回滚',
  'DS-0004': '请通过容器运行时进入容器，而不是 SSH',
  'DS-0021': '请使用 -y 安装：构建时无人应答',
  'DS-0029': '请使用 --no-install-recommends 安装',
  'DS-0009': '请写完整路径：相对路径取决于之前的步骤',
  'DS-0013': '请使用 WORKDIR',
  'DS-0015': '请在同一步骤中清理',
  'DS-0019': '请在同一步骤中清理',
  'DS-0020': '请在同一步骤中清理',
  'DS-0022': '请使用标签 org.opencontainers.image.authors',
  'DS-0027': '请在同一步骤中清理',
  'DS-0030': '请在自己的目录中工作',
};
