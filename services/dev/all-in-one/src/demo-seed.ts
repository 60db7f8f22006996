import type { Seed } from '@codex-k8s/github-server';
import type { TrialSecrets } from './secrets.ts';

export const demo = {
  owner: 'demo-owner',
  ownerEmail: 'owner@demo.example',
  bot: 'codex-bot',
  repository: 'hello',
  project: 'demo',
} as const;

/** A repository with open issues and the people the trial signs in; seeding again changes nothing that people changed. */
export function demoSeed({ botToken, ownerToken, oauthSecret }: TrialSecrets, { callbackUrl }: { callbackUrl: string }): Seed {
  return {
    users: [
      { login: demo.owner, name: 'Demo Owner', emails: [{ email: demo.ownerEmail, primary: true, verified: true }], tokens: [ownerToken] },
      { login: demo.bot, name: 'codex-k8s bot', type: 'Bot', tokens: [botToken] },
    ],
    oauthApps: [{ clientId: 'codex-k8s-trial', clientSecret: oauthSecret, redirectUris: [callbackUrl] }],
    repositories: [
      {
        owner: demo.owner,
        name: demo.repository,
        description: 'A small repository to try agents on',
        collaborators: { [demo.bot]: 'admin' },
        files: { 'README.md': readme, 'greet.mjs': greet, 'greet.test.mjs': greetTest, '.gitignore': 'node_modules/\n' },
        issues: [
          { title: 'Greet in Russian too', body: greetInRussian, author: demo.owner },
          { title: 'Add a changelog', body: changelog, author: demo.owner },
          { title: 'Write down how we name branches', body: plain, author: demo.owner },
        ],
      },
    ],
  };
}

const readme = `# hello

A tiny program for trying out agents. Run \`node greet.mjs Ada\`, test with \`node --test\`.
`;

const greet = `export function greet(name) {
  return \`Hello, \${name}!\`;
}

if (process.argv[1]?.endsWith('greet.mjs')) console.log(greet(process.argv[2] ?? 'world'));
`;

const greetTest = `import assert from 'node:assert/strict';
import test from 'node:test';
import { greet } from './greet.mjs';

test('greets by name', () => {
  assert.equal(greet('Ada'), 'Hello, Ada!');
});
`;

const greetInRussian = `The greeting should know a second language. Put label \`run:dev\` on this issue and watch the run.

\`\`\`file path=greet.mjs
const greetings = { en: 'Hello', ru: 'Привет' };

export function greet(name, language = 'en') {
  return \`\${greetings[language]}, \${name}!\`;
}

if (process.argv[1]?.endsWith('greet.mjs')) console.log(greet(process.argv[2] ?? 'world', process.argv[3]));
\`\`\`

\`\`\`file path=greet.test.mjs
import assert from 'node:assert/strict';
import test from 'node:test';
import { greet } from './greet.mjs';

test('greets by name', () => {
  assert.equal(greet('Ada'), 'Hello, Ada!');
});

test('greets in Russian', () => {
  assert.equal(greet('Ада', 'ru'), 'Привет, Ада!');
});
\`\`\`

\`\`\`sh
node --test
\`\`\`
`;

const changelog = `\`\`\`file path=CHANGELOG.md
# Changelog

## Unreleased

- First notes.
\`\`\`
`;

const plain = `Branches are named after the issue they solve, so that a reader finds the reason for a change. Write this down where newcomers look.
`;
