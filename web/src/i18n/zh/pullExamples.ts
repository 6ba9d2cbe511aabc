import type { pullExamples as english } from '../en/pullExamples';
import type { Translated } from '../translate';

export const pullExamples: Translated<typeof english> = {
  exploited: '没有已知被利用的漏洞',
  young: '近 30 天内推送，或带有 lts 标签',
  signed: '已签名，且一周内扫描过',
};
