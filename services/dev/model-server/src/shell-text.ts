/** Shell commands for exact content. Nothing of an issue is ever interpolated unquoted. */

/** One word of a POSIX shell, whatever the text holds. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** The kernel refuses a single argument above 128 KiB, and a command is one argument. */
const maxChunkBytes = 90_000;

/** Commands that together give `path` exactly `content`. Each can be repeated without harm after an interruption. */
export function writeFileCommands(path: string, content: string): string[] {
  const target = quoted(path.startsWith('-') ? `./${path}` : path);
  const folder = path.includes('/') ? `mkdir -p ${quoted(`./${path.slice(0, path.lastIndexOf('/'))}`)} && ` : '';
  if (content === '') return [`${folder}: > ${target}`];
  let offset = 0;
  return chunks(content).map((chunk) => {
    const start = offset;
    offset += Buffer.byteLength(chunk);
    if (start === 0) return `${folder}${copyOf(chunk, `> ${target}`)}`;
    return `truncate -s ${start} ${target} && ${copyOf(chunk, `>> ${target}`)}`;
  });
}

/** A here-document where the text ends with a newline (readable in a log), else printf. */
function copyOf(text: string, redirection: string): string {
  if (!text.endsWith('\n')) return `printf %s ${quoted(text)} ${redirection}`;
  const lines = new Set(text.split('\n'));
  let end = 'EOF';
  for (let n = 1; lines.has(end); n += 1) end = `EOF_${n}`;
  return `cat ${redirection} <<'${end}'\n${text}${end}\n`;
}

/** Pieces of at most maxChunkBytes, cut after a newline where there is one. */
function chunks(text: string): string[] {
  const found: string[] = [];
  let piece = '';
  let bytes = 0;
  for (const line of text.split(/(?<=\n)/)) {
    for (const part of Buffer.byteLength(line) > maxChunkBytes ? slices(line) : [line]) {
      const size = Buffer.byteLength(part);
      if (bytes + size > maxChunkBytes && piece !== '') {
        found.push(piece);
        piece = '';
        bytes = 0;
      }
      piece += part;
      bytes += size;
    }
  }
  return [...found, piece];
}

function slices(line: string): string[] {
  const perSlice = Math.floor(maxChunkBytes / 4);
  const characters = Array.from(line);
  const found: string[] = [];
  for (let at = 0; at < characters.length; at += perSlice) found.push(characters.slice(at, at + perSlice).join(''));
  return found;
}
