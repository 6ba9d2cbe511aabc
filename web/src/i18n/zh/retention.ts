import type { retention as english } from '../en/retention';
import type { Translated } from '../translate';

export const retention: Translated<typeof english> = {
  about: '任一规则保留的内容都会保留；规则涉及的镜像仓库中的其他内容将被删除。',
  next: '添加规则说明保留的内容，查看预览，然后设置自动运行。',
  rest: '运行时会删除没有规则保留的内容，请先查看预览。',
  preview: '预览',
  run: '立即运行',
  runAbout: '没有规则保留的标签将被删除，数天内可以恢复。',
  began: '已开始运行',
  real: '运行',
  keep: '保留',
  count: '数量',
  days: '天数',
  untagged: '同时评估无标签的制品',
  untaggedAbout: '否则它们保持不变。',
  untaggedToo: '以及无标签的制品',
  details: '详情',
  choice: '选择镜像仓库',
  kept: '保留',
  keptOf: '{kept} / {total}',
  ofRun: '运行 {id} 的镜像仓库',
  noTasks: '没有需要检查的镜像仓库。',
  runsNext: '预览不会删除任何内容，只说明运行的结果。',
};
