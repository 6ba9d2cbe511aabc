import type { security as english } from '../en/security';
import type { Translated } from '../translate';

export const security: Translated<typeof english> = {
  title: '安全总览',
  about: '所有已扫描镜像的漏洞情况。',
  scanned: '已扫描制品',
  ofAll: '{count} / {total}',
  fixable: '有修复版本',
  total: '全部',
  worst: '风险最高的镜像',
  worstNone: '已扫描的镜像均无漏洞。',
  gravest: '最危险的漏洞',
  list: '全部漏洞',
  cve: '查找编号',
  package: '查找软件包',
  repository: '查找项目或镜像仓库',
  anySeverity: '任意严重程度',
  severity: '严重程度',
  many: '超过一千条：请使用筛选缩小范围。',
  image: '镜像',
  none: '没有已知漏洞',
  noneNext: '如果尚未进行，请扫描镜像并导入漏洞公告。',
  export: '导出 CSV',
  overTime: '变化趋势',
  trend: '最近 {count} 天',
  trendShown: '显示',
  trendBegins: '每天统计一次：从明天起可在此查看变化趋势。',
};
