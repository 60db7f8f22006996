/** `issues.labeled` deliveries as GitHub sends them: the published example, with `run:dev` on an issue of its own each. */
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export interface Target {
  readonly repository: { readonly id: number; readonly fullName: string };
  readonly secret: string;
}

export interface SignedDelivery {
  readonly body: Buffer;
  readonly headers: Record<string, string>;
}

interface LabeledExample {
  readonly action: string;
  readonly issue: object;
  readonly label: object;
  readonly repository: object;
  readonly sender: { readonly id: number; readonly login: string };
}

function readExample(): LabeledExample {
  const path = createRequire(import.meta.url).resolve('@octokit/webhooks-examples/api.github.com/index.json');
  const events = JSON.parse(readFileSync(path, 'utf8')) as { name: string; examples: LabeledExample[] }[]; // the package's format
  const example = events.find(({ name }) => name === 'issues')?.examples.find(({ action }) => action === 'labeled');
  if (!example) throw new Error('@octokit/webhooks-examples has no issues.labeled');
  return example;
}

/** Who puts the labels on. */
export function exampleSender(): { id: number; login: string } {
  return readExample().sender;
}

/** A source of deliveries from issue `first` on; every call gives the next one. */
export function deliveriesFrom(first: number, { repository, secret }: Target): () => SignedDelivery {
  const example = readExample();
  let number = first;
  return () => {
    const label = { ...example.label, name: 'run:dev' };
    const body = Buffer.from(
      JSON.stringify({
        ...example,
        issue: { ...example.issue, number, title: `Task ${number}`, state: 'open', labels: [label] },
        label,
        repository: { ...example.repository, id: repository.id, full_name: repository.fullName },
      }),
    );
    number += 1;
    return {
      body,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'GitHub-Hookshot/bench',
        'x-github-event': 'issues',
        'x-github-delivery': randomUUID(),
        'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      },
    };
  };
}
