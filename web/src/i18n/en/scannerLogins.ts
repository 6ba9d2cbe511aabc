/** How the server logs in to a scanner. */
export const scannerLogins = {
  none: 'None',
  Basic: 'Name and password',
  Bearer: 'Token (Bearer)',
  'X-ScannerAdapter-API-Key': 'API key',
} as const;
