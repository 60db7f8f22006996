import type { EditorOptions, TextDiff, TextEditors } from '../cluster/text-editors.ts';

/** Text fields in place of the real editors, which need a browser that measures. */
function field(host: HTMLElement, text: string, { label, isReadOnly, onChange }: EditorOptions): HTMLTextAreaElement {
  const made = document.createElement('textarea');
  made.setAttribute('aria-label', label);
  made.value = text;
  made.readOnly = isReadOnly;
  made.addEventListener('input', () => onChange(made.value));
  host.append(made);
  return made;
}

export const plainEditors: TextEditors = {
  edit: (host, text, options) => {
    const made = field(host, text, options);
    return {
      setText: (next) => (made.value = next),
      setReadOnly: (isReadOnly) => (made.readOnly = isReadOnly),
      setDark: () => undefined,
      dispose: () => made.remove(),
    };
  },
  compare: (host, { before, after }, options): TextDiff => {
    const original = document.createElement('pre');
    original.textContent = before;
    host.append(original);
    const made = field(host, after, options);
    return {
      setText: (next) => (made.value = next),
      setBefore: (next) => (original.textContent = next),
      setReadOnly: (isReadOnly) => (made.readOnly = isReadOnly),
      setDark: () => undefined,
      dispose: () => host.replaceChildren(),
    };
  },
};
