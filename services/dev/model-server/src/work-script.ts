import { readUntrusted } from '@codex-k8s/domain';
import { isRefusal, shellResult, statusObject } from './dialect.ts';
import { addressedItemCommand, issueOf, noteOf } from './notes.ts';

import { quoted, writeFileCommands } from './shell-text.ts';
import { isInsideRepository, type Step, stepsOf } from './steps.ts';
import type { Asked, Decision, Reply, Script, Task } from './task.ts';

/** What really happened, for the report. */
interface Deeds {
  readonly done: string[];
  readonly problems: string[];
}

type Part<T> = Generator<Asked, T, Reply>;
type End = Exclude<Decision, { kind: 'call' }>;

/** Issue or review in, files and commands out, one commit, one report. */
export function* workScript(task: Task): Script {
  const texts = readUntrusted(task.prompt);
  const issue = issueOf(texts.find(({ kind }) => kind === 'issue')?.text ?? '');
  const name = `${issue.title}${task.issueNumber === undefined ? '' : ` (#${task.issueNumber})`}`;
  const deeds: Deeds = { done: [], problems: [] };
  const status = task.dialect.mcp('run_status_report', { status: `Working on ${name}`.slice(0, 100) });
  if (status) yield { call: status };

  for (const step of task.kind === 'revise' ? revisionOf(task, issue.title) : stepsOrNote(task, issue)) {
    const end = yield* perform(task, step, deeds, name);
    if (end) return end;
  }
  yield* commit(task, name, deeds);
  return yield* submit(task, name, deeds);

  function stepsOrNote(task: Task, { title, body }: { title: string; body: string }): Step[] {
    const steps = stepsOf(body);
    return steps.length > 0 ? steps : [{ kind: 'file', ...noteOf(task.issueNumber, title, body) }];
  }

  function revisionOf(task: Task, title: string): Step[] {
    const feedback = texts.filter(({ kind }) => kind !== 'issue').map(({ text }) => text);
    const steps = feedback.flatMap((text) => stepsOf(text));
    if (steps.length > 0) return steps;
    const { path } = noteOf(task.issueNumber, title, '');
    return [{ kind: 'sh', script: addressedItemCommand(path, feedback.join('\n\n')) }];
  }
}

/** Undefined: go on with the next step. */
function* perform(task: Task, step: Step, deeds: Deeds, name: string): Part<End | undefined> {
  switch (step.kind) {
    case 'file':
      if (!isInsideRepository(step.path)) {
        deeds.problems.push(`\`${step.path}\` is outside the repository and was not written.`);
        return undefined;
      }
      for (const command of writeFileCommands(step.path, step.content)) {
        if (!(yield* shell(task, command, deeds, `Writing \`${step.path}\``))) return undefined;
      }
      deeds.done.push(`Wrote \`${step.path}\`.`);
      return undefined;
    case 'sh': {
      const what = `\`${step.script.trim().split('\n')[0]?.slice(0, 100) ?? ''}\``;
      if (yield* shell(task, step.script, deeds, what)) deeds.done.push(`Ran ${what}.`);
      return undefined;
    }
    case 'sleep':
      if (yield* shell(task, `sleep ${step.seconds}`, deeds, 'Waiting')) deeds.done.push(`Waited ${step.seconds} s.`);
      return undefined;
    case 'hang':
      if (step.where === 'model') return { kind: 'hang' };
      yield* shell(task, 'exec sleep 2147483647', deeds, 'Hanging');
      return undefined;
    case 'ask':
      deeds.done.push(`Asked "${step.question}"; the answer was "${yield* ask(task, step, deeds)}".`);
      return undefined;
    case 'fail':
      return yield* fail(task, step, deeds, name);
  }
}

/** Runs a command to its end; false: it failed, which is noted. */
function* shell(task: Task, command: string, deeds: Deeds, what: string): Part<boolean> {
  const call = task.dialect.shell(command);
  if (!call) {
    deeds.problems.push(`${what} was not possible: the client offers no shell.`);
    return false;
  }
  const { text } = yield { call };
  const { exitCode, output } = shellResult(text);
  if (exitCode === 0) return true;
  const last = output.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
  deeds.problems.push(`${what} failed with exit code ${exitCode ?? 'unknown'}${last === '' ? '' : `: ${last}`}.`);
  return false;
}

function* ask(task: Task, { question, options }: { question: string; options: readonly string[] }, deeds: Deeds): Part<string> {
  const index = deeds.done.filter((deed) => deed.startsWith('Asked ')).length;
  const known = task.answers[index];
  if (known !== undefined) return known;
  const call = task.dialect.mcp('owner_feedback_request', { question, options, allow_custom: true });
  if (!call) return 'none, because nobody can be asked here';
  for (let repeats = 0; ; repeats += 1) {
    const { text, said } = yield { call, answerable: true, waitMs: repeats === 0 ? 0 : Math.min(5000, 125 * 2 ** Math.min(repeats, 6)) };
    const result = said ? { answer: text } : statusObject(text);
    if (result?.['status'] === 'approval_required') continue;
    const answer = answerOf(result) ?? `none (${text.trim().slice(0, 200)})`;
    task.answers[index] = answer;
    return answer;
  }
}

/** An answer is a text or `{selected_option | custom_text | text}`. */
function answerOf(result: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const answer = result?.['answer'];
  if (typeof answer === 'string') return answer;
  if (typeof answer !== 'object' || answer === null) return undefined;
  return Object.values(answer).find((value) => typeof value === 'string' && value !== '');
}

function* fail(task: Task, step: Extract<Step, { kind: 'fail' }>, deeds: Deeds, name: string): Part<End> {
  switch (step.mode) {
    case 'give-up':
      return { kind: 'say', text: step.reason };
    case 'model':
      return { kind: 'refuse', status: step.status };
    case 'crash':
      yield* shell(task, 'kill -9 $PPID', deeds, 'Crashing');
      return { kind: 'say', text: 'I could not end my own process.' };
    case 'no-report':
      yield* commit(task, name, deeds);
      return { kind: 'say', text: 'Done.' };
    case 'invalid-report': {
      yield* commit(task, name, deeds);
      const call = task.dialect.mcp('submit_result', { summary: '', unexpected: step.reason });
      const refusal = call ? (yield { call }).text.trim().slice(0, 1000) : 'there is no submit_result tool';
      return { kind: 'say', text: `I gave up on the report: ${refusal}` };
    }
  }
}

function* commit(task: Task, name: string, deeds: Deeds): Part<void> {
  const message = quoted(task.kind === 'revise' ? `Address review: ${name}` : name);
  const script = `git add -A && if git diff --cached --quiet; then echo 'nothing to commit'; else printf '%s\\n' ${message} | git commit -q -F - && git log -1 --format='commit %H'; fi`;
  const call = task.dialect.shell(script);
  if (!call) return;
  const { output, exitCode } = shellResult((yield { call }).text);
  const sha = /^commit ([0-9a-f]{40})/m.exec(output)?.[1];
  if (sha) deeds.done.push(`Committed ${sha.slice(0, 12)}.`);
  else deeds.problems.push(exitCode === 0 ? 'Nothing was left to commit.' : `The commit failed: ${output.trim().slice(-300)}`);
}

function* submit(task: Task, name: string, { done, problems }: Deeds): Part<End> {
  const list = (title: string, lines: readonly string[]): string => `${title}\n${lines.map((line) => `- ${line}`).join('\n')}`;
  const what = list('What was done:', done.length > 0 ? done : ['Nothing.']);
  const risks = problems.length > 0 ? list('What did not work:', problems) : '';
  const summary = [what, risks]
    .filter((part) => part !== '')
    .join('\n\n')
    .slice(0, 10_000);
  const closes = task.issueNumber === undefined ? '' : `\n\nCloses #${task.issueNumber}`;
  const call = task.dialect.mcp('submit_result', {
    summary,
    pr_title: name.slice(0, 256),
    pr_body: `${summary}\n\nWritten by the scripted model of the trial.${closes}`,
  });
  if (!call) return { kind: 'say', text: `${summary}\n\nThe report could not be submitted: there is no submit_result tool.` };
  const { text } = yield { call };
  if (isRefusal(text)) return { kind: 'say', text: `The report was refused: ${text.trim().slice(0, 1000)}` };
  return { kind: 'say', text: summary };
}
