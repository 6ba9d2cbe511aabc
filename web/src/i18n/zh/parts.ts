import type { parts as english } from '../en/parts';
import type { Translated } from '../translate';

export const parts: Translated<typeof english> = {
  core: 'API',
  database: '数据库',
  registry: '镜像仓库',
  storage: '存储',
  jobservice: '任务',
  portal: '门户',
  redis: 'Redis',
  registryctl: '仓库控制',
  trivy: '扫描器',
};
