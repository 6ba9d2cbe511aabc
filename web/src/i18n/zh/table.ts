import type { table as english } from '../en/table';
import type { Translated } from '../translate';

export const table: Translated<typeof english> = {
  first: '第一页',
  previous: '上一页',
  next: '下一页',
  last: '最后一页',
  total: '共 {count} 条',
  size: '每页条数',
  perPage: '每页 {size} 条',
  chooseAll: '选择本页全部',
  choose: '选择 {name}',
  nothing: '没有匹配项',
  nothingNext: '请更改或清除上方的筛选条件。',
  chosen: '已选择 {count} 项',
};
