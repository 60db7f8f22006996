import { isRefusal, shellResult } from './dialect.ts';
import { diffFindings, type Finding } from './diff-findings.ts';

import { quoted } from './shell-text.ts';
import type { Asked, Reply, Script, Task } from './task.ts';

/** Reads the real diff of the pull request and reports what can be seen in it. */
export function* reviewScript(task: Task): Script {
  const status = task.dialect.mcp('run_status_report', {
    status: `Reviewing ${task.issueNumber === undefined ? 'a pull request' : `#${task.issueNumber}`}`,
  });
  if (status) yield { call: status };
  const base = `base=$(git rev-parse -q --verify ${quoted(`refs/remotes/origin/${task.baseRef}`)} || git rev-parse -q --verify ${quoted(task.baseRef)}) && `;
  const log = yield* output(task, `${base}git log --oneline "$base"..HEAD`);
  const stat = yield* output(task, `${base}git diff "$base"...HEAD --stat`);
  const diff = yield* output(task, `${base}git diff "$base"...HEAD`);
  if (log === undefined || stat === undefined || diff === undefined) {
    return { kind: 'say', text: `I could not read the changes between ${task.baseRef} and the pull request.` };
  }

  const findings = diffFindings(diff).slice(0, 100);
  const counts = /(\d+) files? changed(?:, (\d+) insertions?\(\+\))?(?:, (\d+) deletions?\(-\))?/.exec(stat);
  const size = counts ? `${counts[1] ?? '0'} file(s), ${counts[2] ?? '0'} line(s) added, ${counts[3] ?? '0'} removed` : 'no changed file';
  const commits = log.split('\n').filter((line) => /^[0-9a-f]{7,}/.test(line)).length;
  const summary = [
    `Read ${commits} commit(s): ${size}.`,
    findings.length === 0 ? 'Nothing to object to was found.' : `${findings.length} finding(s): ${tally(findings)}.`,
    ...(/truncated|omitted/i.test(diff) ? ['The diff was too long to be shown whole; only a part of it was read.'] : []),
  ].join('\n');
  const call = task.dialect.mcp('submit_result', { summary, verdict: verdictOn(findings), findings });
  if (!call) return { kind: 'say', text: `${summary}\n\nThe review could not be submitted: there is no submit_result tool.` };
  const { text } = yield { call };
  return { kind: 'say', text: isRefusal(text) ? `The review was refused: ${text.trim().slice(0, 1000)}` : summary };
}

function* output(task: Task, command: string): Generator<Asked, string | undefined, Reply> {
  const call = task.dialect.shell(command);
  if (!call) return undefined;
  const result = shellResult((yield { call }).text);
  return result.exitCode === 0 ? result.output : undefined;
}

function verdictOn(findings: readonly Finding[]): 'approve' | 'comment' | 'request_changes' {
  if (findings.some(({ severity }) => severity === 'error')) return 'request_changes';
  return findings.some(({ severity }) => severity === 'warning') ? 'comment' : 'approve';
}

function tally(findings: readonly Finding[]): string {
  return (['error', 'warning', 'info'] as const)
    .map((severity) => ({ severity, count: findings.filter((finding) => finding.severity === severity).length }))
    .filter(({ count }) => count > 0)
    .map(({ severity, count }) => `${count} ${severity}`)
    .join(', ');
}
