import { describe, expect, it } from 'vitest';
import { ago, bytes, duration, happened } from './format';

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1,023 B'],
    [1536, '1.5 KiB'],
    [1024 ** 3, '1 GiB'],
    [150 * 1024 ** 2, '150 MiB'],
  ])('%d', (size, text) => {
    expect(bytes(size, 'en-GB')).toBe(text);
  });
});

describe('times', () => {
  const now = new Date('2026-01-10T12:00:00Z').getTime();

  it('that never were are known', () => {
    expect(happened('0001-01-01T00:00:00.000Z')).toBe(false);
    expect(happened('1970-01-01T00:00:00.000Z')).toBe(false);
    expect(happened('')).toBe(false);
    expect(happened('2026-01-01T00:00:00.000Z')).toBe(true);
  });

  it('are told by how long ago they were', () => {
    expect(ago('2026-01-10T11:57:00Z', 'en-GB', now)).toBe('3 minutes ago');
    expect(ago('2026-01-09T12:00:00Z', 'en-GB', now)).toBe('yesterday');
    expect(ago('2026-01-10T11:57:00Z', 'zh-CN', now)).toBe('3分钟前');
  });

  it('have a length', () => {
    const from = '2026-01-10T12:00:00Z';
    expect(duration(from, '2026-01-10T12:00:02.500Z', 'en-GB')).toBe('2.5s');
    expect(duration(from, '2026-01-10T12:01:05Z', 'en-GB')).toContain('1m');
  });
});
