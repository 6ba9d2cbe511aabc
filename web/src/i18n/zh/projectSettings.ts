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
};
