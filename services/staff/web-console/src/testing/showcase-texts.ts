import type { FlowEvent, LogLine, RunStatus } from '@codex-k8s/contracts/staff';
import { aLine, anEvent, at } from './builders.ts';

const escape = String.fromCharCode(0x1b);
const samples: readonly (readonly [LogLine['stream'], string])[] = [
  ['runner', 'checkout octo-org/web-shop at main (3f2a9c1)'],
  ['agent', 'Reading the issue and the tests around src/export'],
  ['tool', `${escape}[1mnpm test${escape}[0m -- --run src/export`],
  ['tool', `${escape}[32m✓${escape}[0m src/export/csv.spec.ts ${escape}[2m(12 tests) 84ms${escape}[0m`],
  ['tool', `${escape}[31m✗${escape}[0m quotes a field with a line break ${escape}[33m(retry 1)${escape}[0m`],
  ['agent', 'The quoting rule misses \\r; fixing it <script>alert(1)</script>'],
  ['stderr', 'warning: LF will be replaced by CRLF in src/export/csv.ts'],
  ['agent', 'Длинная строка журнала: '.repeat(24)],
];

export function showcaseLine(n: number): LogLine {
  const [stream, text] = samples[n % samples.length] ?? ['agent', ''];
  return aLine(n, `${text}${n % 500 === 0 ? ' needle' : ''}`, { stream, attempt: n > 99_960 ? 2 : 1 });
}

export function showcaseEvents(status: RunStatus | undefined): FlowEvent[] {
  const all: FlowEvent[] = [
    anEvent(1, 'run.enqueued', { actor_type: 'human', actor_id: 'grace', payload: { label: 'run:dev' }, created_at: at(200) }),
    anEvent(2, 'run.started', { created_at: at(190) }),
    anEvent(3, 'run.workspace.prepared', { created_at: at(182), payload: { base_sha: '3f2a9c1', files: 1_204 } }),
    anEvent(4, 'run.agent.started', { created_at: at(180), payload: { program: 'codex', session: 'fresh' } }),
    anEvent(5, 'mcp.tool.called', {
      actor_type: 'agent',
      actor_id: 'dev',
      created_at: at(150),
      payload: { tool_name: 'github_labels_add' },
    }),
    anEvent(6, 'mcp.tool.succeeded', { created_at: at(146), payload: { tool_name: 'github_labels_add' } }),
    anEvent(7, 'run.branch.pushed', { created_at: at(70), payload: { branch: 'codex/issue-9-export-orders', sha: '4f0a1b2' } }),
    anEvent(8, 'run.pr.created', { created_at: at(66), payload: { number: 41 } }),
    anEvent(9, 'run.delivery.verified', { created_at: at(64), payload: { confirmed: true } }),
    anEvent(10, 'run.wait.paused', { created_at: at(60), payload: { wait_state: 'owner_review' } }),
  ];
  if (status === 'pending') return all.slice(0, 1);
  if (status === 'running' || status === 'waiting_mcp') return all.slice(0, 5);
  if (status === 'failed' || status === 'timed_out') return [...all.slice(0, 4), anEvent(11, 'run.failed', { created_at: at(60) })];
  if (status === 'cancelled')
    return [...all.slice(0, 3), anEvent(11, 'run.canceled', { actor_type: 'human', actor_id: 'ada', created_at: at(60) })];
  return all;
}

export const showcaseDiff = `diff --git a/src/export/csv.ts b/src/export/csv.ts
new file mode 100644
index 0000000..4f0a1b2
--- /dev/null
+++ b/src/export/csv.ts
@@ -0,0 +1,9 @@
+/** One row of the export; fields are quoted only when they must be. */
+export function csvRow(fields: readonly string[]): string {
+  return fields.map(quoted).join(',');
+}
+
+function quoted(field: string): string {
+  const safe = /^[=+@-]/.test(field) ? \`'\${field}\` : field; // a spreadsheet would run it as a formula
+  return /[",\\r\\n]/.test(safe) ? \`"\${safe.replaceAll('"', '""')}"\` : safe;
+}
diff --git a/src/export/index.ts b/src/export/index.ts
index 1111111..2222222 100644
--- a/src/export/index.ts
+++ b/src/export/index.ts
@@ -1,6 +1,7 @@
 import { xmlDocument } from './xml.ts';
+import { csvRow } from './csv.ts';
 
-export const formats = ['xml'] as const;
+export const formats = ['xml', 'csv'] as const;
 
 export function render(format: string) {
   return format === 'xml' ? xmlDocument() : undefined;
@@ -40,3 +41,3 @@ export function render(format: string) {
--- a line that was a comment and looks like a header
+++ a line that is a comment and looks like a header
 }
diff --git a/docs/old-export.md b/docs/export.md
similarity index 96%
rename from docs/old-export.md
rename to docs/export.md
diff --git a/assets/logo.png b/assets/logo.png
index 3333333..4444444 100644
Binary files a/assets/logo.png and b/assets/logo.png differ
diff --git a/README.md b/README.md
deleted file mode 100644
index 5555555..0000000
--- a/README.md
+++ /dev/null
@@ -1,2 +0,0 @@
-# Web shop
-Old words.
\\ No newline at end of file
`;
