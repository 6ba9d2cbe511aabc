import type { pullRules as english } from '../en/pullRules';
import type { Translated } from '../translate';

export const pullRules: Translated<typeof english> = {
  limits: '镜像最多允许的漏洞数',
  limitsAbout: '超出数量或未经扫描的镜像不能被拉取。留空表示不限制。已允许的漏洞不计入。',
  rule: '拉取规则',
  ruleAbout: 'CEL 表达式；只有对镜像成立时，镜像才能被拉取。留空表示无规则。',
  examples: '规则示例',
  examplesFirst: '可从示例开始：',
  examplesMore: '可再加上以下要求：',
  names: '可用的名称',
  counts: '该类漏洞的数量。已允许的漏洞不计入。',
  language: '除数字和带引号的文本外，规则还可以包含：',
  unscanned: '涉及数量、严重程度或发行版的规则会阻止拉取未扫描的镜像。以下规则则允许：',
};
