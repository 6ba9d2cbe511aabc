import { describe, expect, it } from 'vitest';
import { bannerOf } from './banner';

const NOON = new Date('2026-06-15T12:00:00').getTime();

describe('bannerOf', () => {
  it('shows plain text as it is', () => {
    expect(bannerOf('Back at five')).toEqual({ text: 'Back at five', color: 'blue' });
    expect(bannerOf('42')).toEqual({ text: '42', color: 'blue' });
    expect(bannerOf('  ')).toBeNull();
  });

  it('knows the kind of a message', () => {
    const setting = JSON.stringify({ message: 'Full', type: 'danger' });
    expect(bannerOf(setting)).toEqual({ text: 'Full', color: 'red' });
  });

  it('keeps to the days of a message, the last one included', () => {
    const from = (fromDate: string, toDate: string) =>
      bannerOf(JSON.stringify({ message: 'x', type: 'info', fromDate, toDate }), NOON);
    expect(from('06/15/2026', '06/15/2026')).not.toBeNull();
    expect(from('06/16/2026', '06/20/2026')).toBeNull();
    expect(from('06/01/2026', '06/13/2026')).toBeNull();
  });
});
