import type { scannerLogins as english } from '../en/scannerLogins';
import type { Translated } from '../translate';

export const scannerLogins: Translated<typeof english> = {
  none: '无',
  Basic: '用户名和密码',
  Bearer: '令牌（Bearer）',
  'X-ScannerAdapter-API-Key': 'API 密钥',
};
