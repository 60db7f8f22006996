/** Monaco with YAML and what people use in an editor, nothing else of it. Its worker is a file of our own: the policy allows no other. */
import 'monaco-editor/features/bracketMatching/register.js';
import 'monaco-editor/features/clipboard/register.js';
import 'monaco-editor/features/codicon/register.js';
import 'monaco-editor/features/comment/register.js';
import 'monaco-editor/features/cursorUndo/register.js';
import 'monaco-editor/features/diffEditor/register.js';
import 'monaco-editor/features/find/register.js';
import 'monaco-editor/features/folding/register.js';
import 'monaco-editor/features/indentation/register.js';
import 'monaco-editor/features/linesOperations/register.js';
import 'monaco-editor/features/multicursor/register.js';
import 'monaco-editor/features/smartSelect/register.js';
import 'monaco-editor/features/toggleTabFocusMode/register.js';
import 'monaco-editor/features/unicodeHighlighter/register.js';
import 'monaco-editor/features/wordOperations/register.js';
import 'monaco-editor/languages/definitions/yaml/register.js';
import EditorWorker from 'monaco-editor/editor/editor.worker.js?worker';
import { editor } from 'monaco-editor/editor/editor.api.js';
import type { EditorOptions, TextEditors } from './text-editors.ts';

globalThis.MonacoEnvironment = { getWorker: () => new EditorWorker() };
editor.defineTheme('console-light', {
  base: 'vs',
  inherit: true,
  // Dark enough to be read also on the colours of a difference.
  rules: [
    { token: 'type', foreground: '00575f' },
    { token: 'string.yaml', foreground: '0a3069' },
    { token: 'number', foreground: '065740' },
    { token: 'comment', foreground: '005a00' },
  ],
  colors: {
    'editor.background': '#ffffff',
    'editorLineNumber.foreground': '#4c5465',
    'diffEditor.removedTextBackground': '#ff00001f',
    'diffEditor.removedLineBackground': '#ff000012',
    'diffEditor.insertedTextBackground': '#2ea04326',
    'diffEditor.insertedLineBackground': '#2ea04314',
  },
});
editor.defineTheme('console-dark', {
  base: 'vs-dark',
  inherit: true,
  rules: [{ token: 'comment', foreground: '85b874' }],
  colors: { 'editor.background': '#161a21', 'editorLineNumber.foreground': '#98a2b5', 'diffEditor.unchangedRegionBackground': '#1d222b' },
});

function setDark(isDark: boolean): void {
  editor.setTheme(isDark ? 'console-dark' : 'console-light');
}

function shared({ label, isReadOnly }: EditorOptions) {
  return {
    readOnly: isReadOnly,
    domReadOnly: isReadOnly,
    ariaLabel: label,
    automaticLayout: true,
    contextmenu: false,
    editContext: false, // a text field, which the console's shortcuts and screen readers know as one
    fontSize: 13,
    minimap: { enabled: false },
    overviewRulerLanes: 0,
    scrollBeyondLastLine: false,
    tabFocusMode: true, // Tab leaves the editor: nobody is trapped in it
    // The page scrolls on when the editor is at its end.
    scrollbar: { alwaysConsumeMouseWheel: false },
    renderFinalNewline: 'on', // the other choice is too pale to read
    renderLineHighlight: isReadOnly ? 'none' : 'line',
    stickyScroll: { enabled: false },
    hideCursorInOverviewRuler: true,
  } as const;
}

export const monacoEditors: TextEditors = {
  edit: (host, text, options) => {
    setDark(options.isDark);
    const model = editor.createModel(text, 'yaml');
    model.updateOptions({ tabSize: 2, insertSpaces: true });
    const made = editor.create(host, { ...shared(options), model });
    model.onDidChangeContent(() => options.onChange(model.getValue()));
    return {
      setText: (next) => {
        if (next !== model.getValue()) model.setValue(next);
      },
      setReadOnly: (isReadOnly) => made.updateOptions({ readOnly: isReadOnly, domReadOnly: isReadOnly }),
      setDark,
      dispose: () => {
        made.dispose();
        model.dispose();
      },
    };
  },
  compare: (host, texts, options) => {
    setDark(options.isDark);
    const [original, modified] = [editor.createModel(texts.before, 'yaml'), editor.createModel(texts.after, 'yaml')];
    const made = editor.createDiffEditor(host, {
      ...shared(options),
      originalEditable: false,
      originalAriaLabel: options.label,
      modifiedAriaLabel: options.label,
      hideUnchangedRegions: { enabled: true },
      renderMarginRevertIcon: false,
      renderGutterMenu: false,
      renderOverviewRuler: false,
    });
    for (const side of [made.getOriginalEditor(), made.getModifiedEditor()]) side.updateOptions({ ariaLabel: options.label });
    made.setModel({ original, modified });
    modified.onDidChangeContent(() => options.onChange(modified.getValue()));
    return {
      setText: (next) => {
        if (next !== modified.getValue()) modified.setValue(next);
      },
      setBefore: (next) => original.setValue(next),
      setReadOnly: (isReadOnly) => made.updateOptions({ readOnly: isReadOnly, domReadOnly: isReadOnly }),
      setDark,
      dispose: () => {
        made.dispose();
        original.dispose();
        modified.dispose();
      },
    };
  },
};
