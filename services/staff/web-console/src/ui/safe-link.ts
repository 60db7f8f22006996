/** Only web addresses become links: a `javascript:` address from a foreign system must stay text. */
export function safeLink(address: string | undefined): string | undefined {
  if (!address) return undefined;
  const url = URL.parse(address);
  return url && (url.protocol === 'https:' || url.protocol === 'http:') ? url.href : undefined;
}
