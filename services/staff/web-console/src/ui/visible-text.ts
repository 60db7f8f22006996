/**
 * Characters that change how other characters are read: bidirectional controls can make code look like other code ("Trojan Source"),
 * the rest of the controls would be invisible. Foreign text is shown with them made visible.
 */
function isDeceptive(code: number): boolean {
  if (code < 0x20) return code !== 0x09 && code !== 0x0a;
  return (
    (code >= 0x7f && code < 0xa0) ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069) ||
    code === 0x200b ||
    code === 0xfeff
  );
}

export function visibleText(text: string): string {
  let clean = true;
  for (let at = 0; at < text.length; at += 1) {
    if (isDeceptive(text.charCodeAt(at))) {
      clean = false;
      break;
    }
  }
  if (clean) return text;
  return Array.from(text, (char) => {
    const code = char.charCodeAt(0);
    return char.length === 1 && isDeceptive(code) ? `⟨${code.toString(16).padStart(4, '0').toUpperCase()}⟩` : char;
  }).join('');
}
