import { inject, type InjectionKey } from 'vue';

export interface EditorOptions {
  readonly label: string;
  readonly isDark: boolean;
  readonly isReadOnly: boolean;
  readonly onChange: (text: string) => void;
}

/** An editor on the page; whoever made it disposes of it. */
export interface TextEditor {
  setText(text: string): void;
  setReadOnly(isReadOnly: boolean): void;
  setDark(isDark: boolean): void;
  dispose(): void;
}

/** Two texts side by side; `setText` sets the right one. */
export interface TextDiff extends TextEditor {
  setBefore(text: string): void;
}

/** What draws YAML: a large program, so it is loaded by the pages that need it; tests pass a plain one. */
export interface TextEditors {
  edit(host: HTMLElement, text: string, options: EditorOptions): TextEditor;
  compare(host: HTMLElement, texts: { before: string; after: string }, options: EditorOptions): TextDiff;
}

export type LoadTextEditors = () => Promise<TextEditors>;
export const textEditorsKey: InjectionKey<LoadTextEditors> = Symbol('text editors');

export function useTextEditors(): LoadTextEditors {
  const load = inject(textEditorsKey);
  if (!load) throw new Error('The text editors were not provided.');
  return load;
}
