import type { targets as english } from '../en/targets';
import type { Translated } from '../translate';

export const targets: Translated<typeof english> = {
  http: 'HTTP',
  slack: 'Slack',
};
