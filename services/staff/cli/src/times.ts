/** `5 min ago` for tables. */
export function ago(time: string | undefined, now: Date): string {
  if (time === undefined) return '-';
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(time)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** `1 m 05 s` between two times; undefined before the start. */
export function duration(start: string | undefined, end: string | undefined, now: Date): string | undefined {
  if (start === undefined) return undefined;
  const ms = (end === undefined ? now.getTime() : Date.parse(end)) - Date.parse(start);
  return seconds(Math.max(0, ms));
}

export function seconds(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} m ${String(Math.round((ms % 60_000) / 1000)).padStart(2, '0')} s`;
}
