/** The administrator's message to everybody: plain, or in Harbor's JSON with a kind and dates. */

export interface Banner {
  text: string;
  color: string;
}

const COLORS: Record<string, string> = {
  success: 'green',
  info: 'blue',
  warning: 'yellow',
  danger: 'red',
};

/** Harbor writes days as month/day/year. */
function day(text: unknown): number | null {
  const time = typeof text === 'string' && text !== '' ? new Date(text).getTime() : Number.NaN;
  return Number.isNaN(time) ? null : time;
}

export function bannerOf(setting: string, now = Date.now()): Banner | null {
  if (setting.trim() === '') return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(setting);
  } catch {
    return { text: setting, color: 'blue' };
  }
  if (typeof parsed !== 'object' || parsed === null) return { text: setting, color: 'blue' };
  const { message, type, fromDate, toDate } = parsed as Record<string, unknown>;
  if (typeof message !== 'string' || message === '') return null;
  const from = day(fromDate);
  const to = day(toDate);
  if (from !== null && now < from) return null;
  // The last day belongs to it.
  if (to !== null && now > to + 86_400_000) return null;
  return { text: message, color: COLORS[String(type)] ?? 'blue' };
}
