import type { LogLine } from '@codex-k8s/contracts/staff';

export const pageLines = 500;

/**
 * The lines known so far, by number. The log may have 100,000 lines of which the reader looks at fifty, so it is sparse:
 * pages are asked for when they come into view. Plain maps, no reactivity: the viewer is told by a version counter.
 */
export class LogLines {
  readonly #lines = new Map<number, LogLine>();
  readonly #askedPages = new Set<number>();
  #last = 0;

  get last(): number {
    return this.#last;
  }

  at(n: number): LogLine | undefined {
    return this.#lines.get(n);
  }

  /** `total`: what the server counts; lines not loaded yet included. */
  add(lines: readonly LogLine[], total = 0): void {
    for (const line of lines) {
      this.#lines.set(line.n, line);
      if (line.n > this.#last) this.#last = line.n;
    }
    if (total > this.#last) this.#last = total;
  }

  /** Pages with unknown lines between `from` and `to`, each named once. */
  missingPages(from: number, to: number): number[] {
    const missing: number[] = [];
    for (let page = Math.floor((Math.max(1, from) - 1) / pageLines); page * pageLines < Math.min(to, this.#last); page += 1) {
      if (this.#askedPages.has(page) || this.#isWhole(page, from, to)) continue;
      this.#askedPages.add(page);
      missing.push(page);
    }
    return missing;
  }

  /** The page could not be loaded: it may be asked for again. */
  forget(page: number): void {
    this.#askedPages.delete(page);
  }

  #isWhole(page: number, from: number, to: number): boolean {
    const first = Math.max(from, page * pageLines + 1);
    const last = Math.min(to, (page + 1) * pageLines, this.#last);
    for (let n = first; n <= last; n += 1) if (!this.#lines.has(n)) return false;
    return true;
  }
}
