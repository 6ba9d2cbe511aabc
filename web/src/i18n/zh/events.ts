import type { events as english } from '../en/events';
import type { Translated } from '../translate';

export const events: Translated<typeof english> = {
  PUSH_ARTIFACT: '推送',
  PULL_ARTIFACT: '拉取',
  DELETE_ARTIFACT: '删除',
  QUOTA_EXCEED: '超出配额',
  QUOTA_WARNING: '配额将满',
  SCANNING_FAILED: '扫描失败',
  SCANNING_STOPPED: '扫描停止',
  SCANNING_COMPLETED: '扫描完成',
  REPLICATION: '复制',
  TAG_RETENTION: '保留策略',
};
