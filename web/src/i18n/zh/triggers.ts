import type { triggers as english } from '../en/triggers';
import type { Translated } from '../translate';

export const triggers: Translated<typeof english> = {
  MANUAL: '手动',
  SCHEDULE: '计划',
  EVENT: '事件',
};
