import type { Tx } from './store.ts';

interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A function for one question out of a statement for many: what is asked in one transaction within one turn of the event loop goes to the
 * database together. So what a batch of deliveries asks at the same point costs one statement, and its callers read as if each were alone.
 */
export function together<Question, Answer>(
  ask: (tx: Tx, questions: readonly Question[]) => Promise<readonly Answer[]>,
): (tx: Tx, question: Question) => Promise<Answer> {
  const waitingIn = new WeakMap<Tx, Waiting<Question, Answer>[]>();

  async function askAll(tx: Tx): Promise<void> {
    const waiting = waitingIn.get(tx) ?? [];
    waitingIn.delete(tx);
    try {
      const answers = await ask(
        tx,
        waiting.map(({ question }) => question),
      );
      for (const [n, { resolve }] of waiting.entries()) resolve(answers[n] as Answer); // one answer for each question, in their order
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }

  return (tx, question) =>
    new Promise((resolve, reject) => {
      const waiting = waitingIn.get(tx);
      if (waiting) waiting.push({ question, resolve, reject });
      else {
        waitingIn.set(tx, [{ question, resolve, reject }]);
        setImmediate(() => void askAll(tx));
      }
    });
}
