export type Environment = Readonly<Record<string, string | undefined>>;

/** The only reader of the environment. Empty means unset, as in every service. */
export function environment(): Environment {
  return Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''));
}
