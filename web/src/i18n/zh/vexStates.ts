import type { vexStates as english } from '../en/vexStates';
import type { Translated } from '../translate';

export const vexStates: Translated<typeof english> = {
  not_affected: '不受影响',
  fixed: '此处已修复',
  affected: '受影响',
  under_investigation: '调查中',
};
