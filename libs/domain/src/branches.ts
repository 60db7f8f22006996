/** The one branch a run of an issue may push (reference §6.1 step 4). */
export function runBranch({ issueNumber, runId }: { issueNumber: number | undefined; runId: string }): string {
  return issueNumber === undefined ? `codex/run-${runId.replaceAll('-', '').slice(0, 12)}` : `codex/issue-${issueNumber}`;
}
