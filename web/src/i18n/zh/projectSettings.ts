import type { projectSettings as english } from '../en/projectSettings';
import type { Translated } from '../translate';

export const projectSettings: Translated<typeof english> = {
  title: '配置',
  allowlist: '允许的漏洞',
  allowlistAbout: '列表中的漏洞不计入镜像的风险。',
  allowlistSystem: '系统列表',
  allowlistOwn: '项目自有列表',
  cves: 'CVE 编号',
  cvesAbout: '例如 CVE-2024-12345，按回车添加。',
  end: '删除此项目',
  delete: '删除项目',
  deleteAbout: '只能删除空项目：请先删除其镜像仓库。',
  deleteAsk: '{name} 及其成员、机器人账户、策略和 Webhook 将被删除，且无法撤销。',
  autoScan: '推送后自动扫描',
  autoScanAbout: '每个镜像推送后即被扫描。',
  autoSbom: '推送后自动生成 SBOM',
  autoSbomAbout: '每个镜像旁保存其全部软件包的清单；计入配额。',
  prevent: '阻止拉取有漏洞的镜像',
  preventAbout:
    '只有扫描成功，且没有达到下列严重程度的漏洞时，镜像才能被拉取。已允许的漏洞不计入。',
  severity: '从此严重程度起',
  until: '列表有效期至',
  untilAbout: '按 UTC 计。留空表示永久有效。此日之后，列表中的漏洞不再被允许。',
  over: '此列表已过期：其中的漏洞不再被允许。',
  systemList: '系统列表中有 {count} 项',
  scanner: '扫描器',
  scannerAbout: '由谁扫描此项目的镜像。',
  scannerDefault: '{name}（默认）',
  scannerOut: '{name}（无应答）',
};
