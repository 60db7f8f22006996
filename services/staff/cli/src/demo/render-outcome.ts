import { printable, renderFacts } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { seconds } from '../times.ts';
import type { DemoReport, Outcome } from './demo-story.ts';

const maxDiffLines = 200;

export function renderOutcome(terminal: Terminal, { pull, diff, report }: Outcome & { report: DemoReport }): string[] {
  const checks = report.verification?.checks ?? [];
  const facts = renderFacts([
    ['Pull request', `#${pull.number} ${pull.title}`],
    ['Branch', `${pull.head.ref} -> ${pull.base.ref}`],
    ['Commit', pull.head.sha],
    ['Confirmed', checks.map(({ name, ok }) => `${name.replaceAll('_', ' ')}${ok ? '' : ' (no)'}`).join(', ')],
    [
      'Review',
      report.review && [report.review.verdict?.replaceAll('_', ' '), report.review.summary?.split('\n', 1)[0]].filter(Boolean).join(': '),
    ],
    ['Run', report.status.replaceAll('_', ' ')],
    ['Took', seconds(report.duration_ms)],
  ]);
  return ['', ...facts, '', ...renderDiff(terminal, diff)];
}

export function renderDiff(terminal: Terminal, diff: string): string[] {
  const lines = diff.trimEnd().split('\n').map(printable);
  const shown = lines.slice(0, maxDiffLines).map((line) => {
    if (/^(\+\+\+|---|diff |index )/.test(line)) return terminal.paint('bold', line);
    if (line.startsWith('+')) return terminal.paint('green', line);
    if (line.startsWith('-')) return terminal.paint('red', line);
    return line;
  });
  return lines.length > maxDiffLines ? [...shown, `… ${lines.length - maxDiffLines} more lines`] : shown;
}
