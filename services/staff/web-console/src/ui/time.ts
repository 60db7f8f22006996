import { onBeforeUnmount, shallowRef, type ShallowRef } from 'vue';

/** The present, ticking every second while the component lives. */
export function useNow(everyMs = 1_000): ShallowRef<Date> {
  const now = shallowRef(new Date());
  const timer = setInterval(() => (now.value = new Date()), everyMs);
  onBeforeUnmount(() => clearInterval(timer));
  return now;
}

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

export function relativeTime(at: Date, now: Date, locale: string): string {
  const seconds = Math.round((at.getTime() - now.getTime()) / 1_000);
  if (Math.abs(seconds) > 30 * 86_400) return new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(at);
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return Math.abs(seconds) < 10 ? format.format(0, 'second') : format.format(seconds, 'second');
}

export function absoluteTime(at: Date, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'long' }).format(at);
}

export function clockTime(at: Date, locale: string): string {
  return new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(at);
}

function unitText(value: number, unit: 'hour' | 'minute' | 'second' | 'day' | 'millisecond', locale: string): string {
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'narrow' }).format(value);
}

/** Two largest units: `1h 05m`, `42s`. */
export function durationText(ms: number, locale: string): string {
  if (ms < 1_000) return unitText(Math.max(0, Math.round(ms)), 'millisecond', locale);
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return unitText(ms < 10_000 ? Math.round(ms / 100) / 10 : seconds, 'second', locale);
  if (seconds < 3_600) return join([Math.floor(seconds / 60), 'minute'], [seconds % 60, 'second'], locale);
  if (seconds < 86_400) return join([Math.floor(seconds / 3_600), 'hour'], [Math.floor((seconds % 3_600) / 60), 'minute'], locale);
  return join([Math.floor(seconds / 86_400), 'day'], [Math.floor((seconds % 86_400) / 3_600), 'hour'], locale);
}

type Part = readonly [number, 'day' | 'hour' | 'minute' | 'second'];

function join(large: Part, small: Part, locale: string): string {
  const first = unitText(large[0], large[1], locale);
  return small[0] === 0 ? first : `${first} ${unitText(small[0], small[1], locale)}`;
}
