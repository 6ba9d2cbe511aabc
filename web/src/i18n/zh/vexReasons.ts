import type { vexReasons as english } from '../en/vexReasons';
import type { Translated } from '../translate';

export const vexReasons: Translated<typeof english> = {
  component_not_present: '不含该组件',
  vulnerable_code_not_present: '不含有漏洞的代码',
  vulnerable_code_not_in_execute_path: '有漏洞的代码不会被执行',
  vulnerable_code_cannot_be_controlled_by_adversary: '攻击者无法利用有漏洞的代码',
  inline_mitigations_already_exist: '已有内置的缓解措施',
};
