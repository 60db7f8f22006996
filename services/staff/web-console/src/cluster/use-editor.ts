import { onBeforeUnmount, onMounted, shallowRef, useTemplateRef, watch, type Ref, type ShallowRef } from 'vue';
import { useTheme } from 'vuetify';
import { useTextEditors, type EditorOptions, type TextEditor, type TextEditors } from './text-editors.ts';

interface EditorUse<T extends TextEditor> {
  readonly text: Ref<string>;
  readonly label: string;
  readonly isReadOnly: boolean;
  readonly make: (editors: TextEditors, host: HTMLElement, options: EditorOptions) => T;
}

interface UsedEditor<T> {
  /** Undefined until it is loaded. */
  readonly editor: ShallowRef<T | undefined>;
  /** Why it could not be loaded; `open` tries again. */
  readonly failure: ShallowRef<unknown>;
  readonly open: () => Promise<void>;
}

/** An editor in the element with `ref="host"` that lives as long as the component, shows `text` and follows the theme. */
export function useEditor<T extends TextEditor>({ text, label, isReadOnly, make }: EditorUse<T>): UsedEditor<T> {
  const load = useTextEditors();
  const theme = useTheme();
  const host = useTemplateRef<HTMLElement>('host');
  const editor = shallowRef<T>();
  const failure = shallowRef<unknown>();
  let isGone = false;

  async function open(): Promise<void> {
    failure.value = undefined;
    try {
      const editors = await load();
      if (isGone || !host.value) return;
      editor.value = make(editors, host.value, {
        label,
        isDark: theme.current.value.dark,
        isReadOnly,
        onChange: (next) => (text.value = next),
      });
    } catch (error) {
      failure.value = error;
    }
  }

  watch(text, (next) => editor.value?.setText(next));
  watch(
    () => theme.current.value.dark,
    (next) => editor.value?.setDark(next),
  );
  onMounted(open);
  onBeforeUnmount(() => {
    isGone = true;
    editor.value?.dispose();
  });
  return { editor, failure, open };
}
