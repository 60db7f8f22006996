import { type Dialect, dialectOf, isAborted, pollCall, shellResult, type ToolCall } from './dialect.ts';
import { type Conversation, headOf, type Tool } from './responses-request.ts';
import { reviewScript } from './review-script.ts';
import type { Decision, Script, Task } from './task.ts';
import { workScript } from './work-script.ts';

/** How the platform says that the workspace was made anew and unpushed work is gone. */
const rebuilt = /^Workspace: rebuilt[^\n]*\n?/;

/**
 * What the scripted model does next, from the request alone. A script is a generator that yields tool calls and is handed their outputs;
 * for each request it is replayed over the outputs of the conversation, and the first call without an output is the answer. So there is no
 * state to lose, a retried request gets the same answer, and an interrupted call is simply issued again.
 */
export function decide({ prompt, happenings }: Conversation, tools: readonly Tool[]): Decision {
  const task = taskOf(prompt, dialectOf(tools));
  if (!task) return { kind: 'say', text: 'There is nothing for me to do.' };
  let script = startOf(task);
  let step = script.next();
  let poll: ToolCall | undefined;
  let output = '';
  for (const { kind, text } of happenings) {
    if (kind === 'said') {
      const answer = text.replace(rebuilt, '').trim();
      const isAnswer = !step.done && step.value.answerable === true && answer !== '';
      if (rebuilt.test(text)) {
        if (isAnswer && /^Answer:/m.test(answer)) task.answers.push(answerIn(answer));
        script = startOf(task);
        step = script.next();
      } else if (isAnswer) step = script.next({ text: answerIn(answer), said: true });
      poll = undefined;
      output = '';
      continue;
    }
    if (step.done) break;
    if (isAborted(text)) {
      poll = undefined;
      output = '';
      continue;
    }
    const { sessionId, output: part } = shellResult(text);
    if (sessionId !== undefined) {
      poll = pollCall(sessionId);
      output += part;
      continue;
    }
    step = script.next({ text: output === '' ? text : text.replace(/^Output:\r?\n?/m, (head) => head + output), said: false });
    poll = undefined;
    output = '';
  }
  if (step.done) return step.value;
  return { kind: 'call', call: poll ?? step.value.call, waitMs: step.value.waitMs ?? 0 };
}

function answerIn(text: string): string {
  return (/^Answer:\s*([\s\S]*)$/m.exec(text)?.[1] ?? text).trim();
}

function startOf(task: Task): Script {
  return task.kind === 'review' ? reviewScript(task) : workScript(task);
}

function taskOf(prompt: string, dialect: Dialect): Task | undefined {
  const head = headOf(prompt);
  const kind = /^Task: (work|revise|review)[ \t]*$/m.exec(head)?.[1];
  const issue = /^Issue: #(\d+)/m.exec(head)?.[1];
  const baseRef = /^Base: (\S+)/m.exec(head)?.[1] ?? 'main';
  if (kind !== 'work' && kind !== 'revise' && kind !== 'review') return undefined;
  return { prompt, kind, issueNumber: issue === undefined ? undefined : Number(issue), baseRef, dialect, answers: [] };
}
