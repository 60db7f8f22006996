/** Programs an agent missed (reference: tool-gap detection). They become proposals for the image, never an automatic installation. */
export type ToolGapSource = 'report.tool_gaps' | 'agent_output' | 'git_push_output';

export interface ToolGaps {
  /** First spelling, order of discovery, no duplicates; what the report names comes first. */
  readonly toolGaps: readonly string[];
  /** Where at least one was found. */
  readonly sources: readonly ToolGapSource[];
}

const name = String.raw`([A-Za-z0-9._-]{1,100})`;
const patterns = [
  new RegExp(String.raw`["']${name}["']: executable file not found`, 'g'),
  new RegExp(String.raw`(?:^|: )${name}: command not found[ \t]*$`, 'gm'),
  new RegExp(String.raw`sh: \d+: ${name}: not found[ \t]*$`, 'gm'),
  new RegExp(String.raw`spawn ${name} ENOENT`, 'g'),
  new RegExp(String.raw`missing (?:required )?command(?:[ \t]*:[ \t]*|[ \t]+)${name}[ \t]*$`, 'gim'),
];

/** The names of missing programs in a tool's output, in order. */
export function missingTools(output: string): string[] {
  const found = patterns.flatMap((pattern) => [...output.matchAll(pattern)].map((match) => ({ at: match.index, tool: match[1] ?? '' })));
  return distinct(found.sort((a, b) => a.at - b.at).map(({ tool }) => tool));
}

/** Puts together what the sources say, in the order they are given. */
export function collectToolGaps(found: readonly (readonly [source: ToolGapSource, tools: readonly string[]])[]): ToolGaps {
  const useful = found.map(([source, tools]) => [source, distinct(tools)] as const).filter(([, tools]) => tools.length > 0);
  return { toolGaps: distinct(useful.flatMap(([, tools]) => tools)), sources: [...new Set(useful.map(([source]) => source))] };
}

function distinct(tools: readonly string[]): string[] {
  const seen = new Map<string, string>();
  for (const tool of tools) {
    const trimmed = tool.trim();
    if (trimmed !== '' && !seen.has(trimmed.toLowerCase())) seen.set(trimmed.toLowerCase(), trimmed);
  }
  return [...seen.values()];
}
