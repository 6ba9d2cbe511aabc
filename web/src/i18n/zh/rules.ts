import type { rules as english } from '../en/rules';
import type { Translated } from '../translate';

export const rules: Translated<typeof english> = {
  required: '此项必填',
  password: '8 到 128 个字符，须包含大写字母、小写字母和数字',
  repeated: '两次输入不一致',
  projectName: '小写字母和数字，中间可用单个 . _ - 分隔',
  cron: '六个字段：秒 分 时 日 月 周（UTC）',
  number: '请输入数字',
};
