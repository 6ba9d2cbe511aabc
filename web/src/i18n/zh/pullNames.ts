import type { pullNames as english } from '../en/pullNames';
import type { Translated } from '../translate';

export const pullNames: Translated<typeof english> = {
  severity: '最高严重程度：从 critical 到 unknown，或 none',
  scanned: '是否已扫描',
  scan_age_days: '距上次扫描的整天数；未扫描时为 1000000',
  age_days: '距推送的整天数',
  repository: '例如 team/app',
  digest: '例如 sha256:…',
  tags: '最新的 100 个标签，包括引用它的索引的标签',
  signed: '是否附有 cosign 或 notation 签名；不检查签名者',
  distribution: '例如 debian 12；没有或未扫描时为空',
};
