/**
 * The entry of an image of several programs: the first argument names the one to run, and is not needed when there is only one. With `--compile`, at
 * the build, each is run once without configuration, so that it ends when all of it was loaded, and Node.js keeps what it made of the sources.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Paths below /app by name; build.ts has written it. */
const programs = new Map(Object.entries(JSON.parse(readFileSync('/app/programs.json', 'utf8'))));
const names = [...programs.keys()];
const [wanted = names.length === 1 ? names[0] : ''] = process.argv.slice(2);

if (wanted === '--compile') compile();
else if (!programs.has(wanted)) {
  process.stderr.write(`Name what to run: ${names.join(', ')}\n`);
  process.exit(2);
} else await import(`/app/${programs.get(wanted)}`);

function compile() {
  const { NODE_COMPILE_CACHE, CODEXK8S_TRIAL_AGENT_PATH, PATH } = process.env;
  const files = [...[...programs.values()].map((path) => `/app/${path}`), CODEXK8S_TRIAL_AGENT_PATH].filter(existsSync);
  for (const file of files) spawnSync(process.execPath, [file], { env: { NODE_COMPILE_CACHE, PATH }, stdio: 'ignore', timeout: 60_000 });
  const kept = readdirSync(NODE_COMPILE_CACHE, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
  process.stdout.write(`${kept} files compiled for ${files.length} programs\n`);
  if (kept < files.length) process.exit(1);
}
