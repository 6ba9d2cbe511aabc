/** Sizes, numbers and times as the reader's language writes them. */
import { useMemo } from 'react';
import { useI18n } from '../i18n';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function bytes(size: number, locale: string): string {
  let value = size;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toLocaleString(locale, { maximumFractionDigits: digits })} ${UNITS[unit]}`;
}

/** The API writes times that never were as the year 1 or 1970. */
export function happened(time: string | null | undefined): boolean {
  return !!time && !time.startsWith('0001-') && !time.startsWith('1970-');
}

export function moment(time: string, locale: string): string {
  return new Date(time).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' });
}

/** The day of a moment at which a day begins in UTC. */
export function day(time: string, locale: string): string {
  return new Date(time).toLocaleDateString(locale, { dateStyle: 'medium', timeZone: 'UTC' });
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

export function ago(time: string, locale: string, now = Date.now()): string {
  const seconds = (new Date(time).getTime() - now) / 1000;
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(Math.trunc(seconds), 'second');
}

export function duration(from: string, to: string, locale: string): string {
  const seconds = Math.max(0, (new Date(to).getTime() - new Date(from).getTime()) / 1000);
  const write = (value: number, unit: string) =>
    value.toLocaleString(locale, {
      style: 'unit',
      unit,
      unitDisplay: 'narrow',
      maximumFractionDigits: unit === 'second' && value < 10 ? 1 : 0,
    });
  if (seconds < 60) return write(seconds, 'second');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60)
    return `${write(minutes, 'minute')} ${write(Math.floor(seconds % 60), 'second')}`;
  return `${write(Math.floor(minutes / 60), 'hour')} ${write(minutes % 60, 'minute')}`;
}

export function useFormat() {
  const { locale } = useI18n();
  return useMemo(
    () => ({
      bytes: (size: number) => bytes(size, locale),
      number: (value: number) => value.toLocaleString(locale),
      percent: (share: number) =>
        share.toLocaleString(locale, { style: 'percent', maximumFractionDigits: 1 }),
      moment: (time: string) => moment(time, locale),
      day: (time: string) => day(time, locale),
      ago: (time: string) => ago(time, locale),
      duration: (from: string, to: string) => duration(from, to, locale),
    }),
    [locale],
  );
}
