import type { scanAll as english } from '../en/scanAll';
import type { Translated } from '../translate';

export const scanAll: Translated<typeof english> = {
  title: '扫描全部',
  about: '所有项目的所有镜像都由其项目的扫描器扫描。',
  begin: '立即扫描全部',
  beginAsk: '镜像很多时可能需要较长时间，可以随时停止。',
  begun: '扫描已开始',
  stop: '停止',
  stopping: '不再开始新的扫描',
  never: '还没有扫描过全部镜像。',
  last: '上一次',
  running: '正在进行',
  scheduled: '由计划启动',
  progress: '{count} / {total} 个镜像',
};
