export interface LineWanted {
  readonly line: number | undefined;
  readonly position: number | undefined;
  readonly side: 'LEFT' | 'RIGHT';
}

export interface LocatedLine {
  /** Lines below the first hunk header, GitHub's old way to name a place. */
  readonly position: number;
  /** The hunk from its header to the line. */
  readonly hunk: string;
}

/** Where a line of the new (RIGHT) or old (LEFT) file is in a patch; undefined: the diff does not show it. */
export function locateLine(patch: string, { line, position, side }: LineWanted): LocatedLine | undefined {
  let oldLine = 0;
  let newLine = 0;
  let hunk: string[] = [];
  for (const [index, text] of patch.split('\n').entries()) {
    const header = /^@@ -(\d+)(?:,\d+)? [+](\d+)/.exec(text);
    if (header) {
      oldLine = Number(header[1]) - 1;
      newLine = Number(header[2]) - 1;
      hunk = [text];
      continue;
    }
    hunk.push(text);
    const sign = text.charAt(0);
    if (sign !== '+' && sign !== '\\') oldLine += 1;
    if (sign !== '-' && sign !== '\\') newLine += 1;
    const here = side === 'RIGHT' ? sign !== '-' && newLine === line : sign !== '+' && oldLine === line;
    if (sign !== '\\' && (position === undefined ? here : index === position)) return { position: index, hunk: hunk.join('\n') };
  }
  return undefined;
}
