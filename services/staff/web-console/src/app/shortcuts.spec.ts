import { afterEach, expect, test, vi } from 'vitest';
import { keySequences, latinKey } from './shortcuts.ts';

afterEach(() => (document.body.innerHTML = ''));

function press(
  listener: (event: KeyboardEvent) => void,
  key: string,
  init: KeyboardEventInit = {},
  target: HTMLElement = document.body,
): void {
  target.addEventListener('keydown', listener, { once: true });
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...init }));
}

test.for([
  { key: 'п', code: 'KeyG', shiftKey: false, latin: 'g' },
  { key: '.', code: 'Slash', shiftKey: false, latin: '/' },
  { key: ',', code: 'Slash', shiftKey: true, latin: '?' },
  { key: '?', code: 'Slash', shiftKey: true, latin: '?' },
  { key: 'g', code: 'KeyU', shiftKey: false, latin: 'g' },
])('$key on $code means $latin', ({ latin, ...event }) => {
  expect(latinKey(event)).toBe(latin);
});

test('a sequence needs both keys', () => {
  const go = vi.fn<() => void>();
  const listener = keySequences({ 'g r': go });

  press(listener, 'r');
  expect(go).not.toHaveBeenCalled();
  press(listener, 'g');
  press(listener, 'r');
  expect(go).toHaveBeenCalledOnce();
});

test('nothing happens while the reader types or holds Ctrl', () => {
  const act = vi.fn<() => void>();
  const listener = keySequences({ f: act });
  const field = document.body.appendChild(document.createElement('input'));

  press(listener, 'f', {}, field);
  press(listener, 'f', { ctrlKey: true });

  expect(act).not.toHaveBeenCalled();
});
