import type { jobKinds as english } from '../en/jobKinds';
import type { Translated } from '../translate';

export const jobKinds: Translated<typeof english> = {
  GARBAGE_COLLECTION: '垃圾回收',
  PURGE_AUDIT_LOG: '访问日志清理',
  PURGE_AUDIT: '访问日志清理',
  QUOTA_RECONCILE: '配额核对',
  REPAIR: '修复',
  RETENTION: '保留策略',
  SCHEDULER: '调度器',
  SCRUB: '数据校验',
  SLACK: 'Slack Webhook',
  WEBHOOK: 'Webhook',
  ADVISORY_UPDATE: '获取漏洞公告',
  IMAGE_SCAN: '扫描',
  SBOM: 'SBOM',
  IMAGE_SCAN_EXTERNAL: '外部扫描器扫描',
  SCAN_ALL: '全部扫描',
  SCAN_DATA_EXPORT: '漏洞导出',
  SYSTEM_ARTIFACT_CLEANUP: '导出文件清理',
  SCAN_ALL_EXTERNAL: '全部扫描（外部扫描器）',
  SECURITY_TREND: '每日漏洞统计',
  REPLICATION: '复制',
};
