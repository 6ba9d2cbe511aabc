import type { fixStates as english } from '../en/fixStates';
import type { Translated } from '../translate';

export const fixStates: Translated<typeof english> = {
  fixed: '新版本已修复',
  affected: '尚未修复',
  under_investigation: '调查中',
  fix_deferred: '推迟修复',
  will_not_fix: '不予修复',
  end_of_life: '已停止维护',
};
