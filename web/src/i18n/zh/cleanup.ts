import type { cleanup as english } from '../en/cleanup';
import type { Translated } from '../translate';

export const cleanup: Translated<typeof english> = {
  title: '清理',
  about: '释放不再需要的内容、缩减访问日志并检查存储。',
  gc: '垃圾回收',
  purge: '访问日志',
  scrub: '数据校验',
  repair: '修复',
  gcAbout: '删除不再被任何镜像使用的层，期间可继续推送和拉取。',
  purgeAbout: '删除早于所选时间的访问日志。',
  scrubAbout: '读取所有存储的数据并与摘要比对。',
  repairAbout: '比对数据库与存储，并修复可修复的问题。',
  gcRun: '将删除不再需要且已过宽限期的内容。',
  purgeRun: '旧的日志将被永久删除。',
  scrubRun: '损坏的副本会被隔离，重新推送即可修复。',
  repairRun: '将隔离损坏的副本、重建丢失的链接并清除残留文件。',
  now: '立即执行',
  run: '立即运行',
  dryRun: '试运行',
  trigger: '触发方式',
  outcome: '结果',
  noneNext: '建议先试运行：不会删除任何内容，只说明会删除什么。',
};
