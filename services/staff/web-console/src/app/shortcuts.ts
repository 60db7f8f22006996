import { onBeforeUnmount, onMounted } from 'vue';

/** What `?` lists; the text is `shortcuts.<id>` of the locale. */
export const shortcutList = [
  { id: 'palette', keys: ['Ctrl', 'K'] },
  { id: 'search', keys: ['/'] },
  { id: 'runs', keys: ['g', 'r'] },
  { id: 'approvals', keys: ['g', 'a'] },
  { id: 'projects', keys: ['g', 'p'] },
  { id: 'users', keys: ['g', 'u'] },
  { id: 'cluster', keys: ['g', 'k'] },
  { id: 'agents', keys: ['g', 'c'] },
  { id: 'next', keys: ['j'] },
  { id: 'previous', keys: ['k'] },
  { id: 'open', keys: ['Enter'] },
  { id: 'follow', keys: ['f'] },
  { id: 'help', keys: ['?'] },
] as const;

const sequenceMs = 1_000;

/** The Latin key of an event whatever the layout: on a Russian keyboard `g` arrives as `п`. */
export function latinKey(event: Pick<KeyboardEvent, 'key' | 'code' | 'shiftKey'>): string {
  if (/^[\u0400-\u04ff]$/u.test(event.key)) {
    const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
    if (letter) return letter.toLowerCase();
  }
  if (event.code === 'Slash' && (event.key === '.' || event.key === ',')) return event.shiftKey ? '?' : '/';
  return event.key;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}

/** Handles `{'g r': go, f: follow}`; silent while the reader types, holds a modifier or has a dialog open. */
export function keySequences(bindings: Readonly<Record<string, () => void>>): (event: KeyboardEvent) => void {
  let pending = '';
  let pendingAt = 0;
  return (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector('[role="dialog"][aria-modal="true"], .v-overlay--active.v-dialog')) return;
    const key = latinKey(event);
    const sequence = pending && event.timeStamp - pendingAt < sequenceMs ? `${pending} ${key}` : key;
    const action = bindings[sequence] ?? bindings[key];
    if (action) {
      event.preventDefault();
      pending = '';
      action();
      return;
    }
    pending = key;
    pendingAt = event.timeStamp;
  };
}

export function useShortcuts(bindings: Readonly<Record<string, () => void>>): void {
  const listener = keySequences(bindings);
  onMounted(() => window.addEventListener('keydown', listener));
  onBeforeUnmount(() => window.removeEventListener('keydown', listener));
}

/** Moves the focus among the rows of the page's list: rows carry `data-row`. */
export function moveRowFocus(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')];
  const at = rows.findIndex((row) => row === document.activeElement || row.contains(document.activeElement));
  const next = at === -1 ? rows[step === 1 ? 0 : rows.length - 1] : rows[at + step];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

export function focusSearch(): boolean {
  const field = document.querySelector<HTMLInputElement>('main [data-search] input, main input[data-search]');
  field?.focus();
  field?.select();
  return field !== null;
}
