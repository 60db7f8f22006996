export type Verdict = 'ok' | 'warn' | 'fail';

export interface Check {
  readonly name: string;
  readonly verdict: Verdict;
  /** What was found. */
  readonly found: string;
  /** How to get what is missing. */
  readonly remedy?: string;
}

/** `1.2.3` at or above `1.2`; what is no version is below everything. */
export function isAtLeast(version: string, wanted: string): boolean {
  const parts = (text: string): number[] => text.split('.').map(Number);
  const have = parts(version);
  for (const [index, part] of parts(wanted).entries()) {
    const own = have[index] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}

export function checkNode(version: string): Check {
  const wanted = '24.12';
  if (isAtLeast(version, wanted)) return { name: 'Node.js', verdict: 'ok', found: version };
  return {
    name: 'Node.js',
    verdict: 'fail',
    found: version,
    remedy: `Run npm ci (Linux x64/arm64 brings its own) or install Node ${wanted} or newer.`,
  };
}

export function checkGit(output: string | undefined): Check {
  const version = /(\d+\.\d+(?:\.\d+)?)/.exec(output ?? '')?.[1];
  const wanted = '2.38';
  if (version !== undefined && isAtLeast(version, wanted)) return { name: 'git', verdict: 'ok', found: version };
  return {
    name: 'git',
    verdict: 'fail',
    found: version ?? 'not found',
    remedy: `Install git ${wanted} or newer, for example: apt-get install git.`,
  };
}

export function checkCodex(output: string | undefined): Check {
  if (output !== undefined) return { name: 'codex', verdict: 'ok', found: `${output}; codexk8s up --agent codex uses it` };
  return { name: 'codex', verdict: 'warn', found: 'not found (optional)', remedy: 'For a real agent: npm install -g @openai/codex.' };
}

export function checkConsole({ isFresh, canBuild }: { isFresh: boolean; canBuild: boolean }): Check {
  if (isFresh) return { name: 'console', verdict: 'ok', found: 'built' };
  if (canBuild) return { name: 'console', verdict: 'ok', found: 'not built or out of date; `codexk8s up` builds it' };
  return { name: 'console', verdict: 'fail', found: 'not built, and vite is not installed', remedy: 'Run npm ci.' };
}

export function checkDisk(freeBytes: number): Check {
  const found = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free`;
  const remedy = 'Free disk space, or choose another --data-dir.';
  if (freeBytes < 256 * 1024 ** 2) return { name: 'disk', verdict: 'fail', found, remedy };
  if (freeBytes < 2 * 1024 ** 3) return { name: 'disk', verdict: 'warn', found, remedy };
  return { name: 'disk', verdict: 'ok', found };
}

/** `taken`: which of the first five ports are in use. */
export function checkPorts(first: number, taken: readonly number[]): Check {
  const last = first + 4;
  if (taken.length === 0) return { name: 'ports', verdict: 'ok', found: `${first} to ${last} are free` };
  return {
    name: 'ports',
    verdict: 'warn',
    found: `in use: ${taken.join(', ')}`,
    remedy: '`codexk8s up` takes the next free five by itself; name others with --port.',
  };
}
