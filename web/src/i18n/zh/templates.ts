import type { templates as english } from '../en/templates';
import type { Translated } from '../translate';

export const templates: Translated<typeof english> = {
  latestPushedK: '最近推送的标签',
  latestPulledN: '最近拉取的标签',
  nDaysSinceLastPush: '若干天内推送的标签',
  nDaysSinceLastPull: '若干天内拉取的标签',
  always: '全部',
  latestActiveK: '最近活跃的标签',
  lastXDays: '若干天内活跃的标签',
};
