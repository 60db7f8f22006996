import { BlockList, isIP } from 'node:net';
import { z } from 'zod';

/** Comma-separated addresses and ranges. A number of hops is refused: it trusts whoever connects. */
const addresses = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  )
  .refine((parts) => parts.every(isAddressOrRange), 'comma-separated addresses and ranges, such as 10.0.0.0/8,fd00::/8');

function isAddressOrRange(text: string): boolean {
  const [address = '', prefix, ...others] = text.split('/');
  const version = isIP(address);
  if (version === 0 || others.length > 0) return false;
  try {
    new BlockList().addSubnet(address, Number(prefix ?? 32), version === 4 ? 'ipv4' : 'ipv6');
    return prefix === undefined || /^\d+$/.test(prefix);
  } catch {
    return false; // a prefix that is too long
  }
}

export const Config = z
  .object({
    CODEXK8S_HTTP_HOST: z.string().default('0.0.0.0'),
    CODEXK8S_HTTP_PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
    CODEXK8S_METRICS_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
    CODEXK8S_DRAIN_SECONDS: z.coerce.number().int().min(0).max(15).default(0), // a stop is ended after 20 s
    CODEXK8S_LOG_LEVEL: z.string().default('info'),
    OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
    CODEXK8S_CONTROL_PLANE_URL: z.url(),
    CODEXK8S_INTERNAL_API_TOKEN: z.string().min(32),
    CODEXK8S_PUBLIC_BASE_URL: z.url(),
    CODEXK8S_GITHUB_WEBHOOK_SECRET: z.string().min(16),
    CODEXK8S_WEBHOOK_MAX_BODY_BYTES: z.coerce
      .number()
      .int()
      .positive()
      .default(25 * 1024 * 1024),
    CODEXK8S_WEBHOOK_RATE_PER_MINUTE: z.coerce.number().int().positive().default(60_000),
    CODEXK8S_API_RATE_PER_MINUTE: z.coerce.number().int().positive().default(1_200),
    CODEXK8S_JWT_SIGNING_KEY: z.string().min(32),
    CODEXK8S_JWT_TTL: z.coerce.number().int().positive().default(900),
    CODEXK8S_SESSION_MAX_SECONDS: z.coerce
      .number()
      .int()
      .positive()
      .default(12 * 3_600),
    CODEXK8S_TRUSTED_PROXIES: addresses,
    CODEXK8S_COOKIE_SECURE: z.stringbool().default(true),
    CODEXK8S_GITHUB_OAUTH_CLIENT_ID: z.string().min(1),
    CODEXK8S_GITHUB_OAUTH_CLIENT_SECRET: z.string().min(1),
    CODEXK8S_GITHUB_OAUTH_AUTHORIZE_URL: z.url().default('https://github.com/login/oauth/authorize'),
    CODEXK8S_GITHUB_OAUTH_TOKEN_URL: z.url().default('https://github.com/login/oauth/access_token'),
    CODEXK8S_GITHUB_BASE_URL: z.url().default('https://api.github.com'),
    CODEXK8S_CONSOLE_DIR: z.string().optional(),
  })
  .transform((env) => ({
    host: env.CODEXK8S_HTTP_HOST,
    port: env.CODEXK8S_HTTP_PORT,
    metricsPort: env.CODEXK8S_METRICS_PORT,
    drainSec: env.CODEXK8S_DRAIN_SECONDS,
    logLevel: env.CODEXK8S_LOG_LEVEL,
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    controlPlaneUrl: env.CODEXK8S_CONTROL_PLANE_URL,
    internalToken: env.CODEXK8S_INTERNAL_API_TOKEN,
    publicUrl: env.CODEXK8S_PUBLIC_BASE_URL,
    webhookSecret: env.CODEXK8S_GITHUB_WEBHOOK_SECRET,
    webhookMaxBytes: env.CODEXK8S_WEBHOOK_MAX_BODY_BYTES,
    webhooksPerMinute: env.CODEXK8S_WEBHOOK_RATE_PER_MINUTE,
    requestsPerMinute: env.CODEXK8S_API_RATE_PER_MINUTE,
    jwtKey: env.CODEXK8S_JWT_SIGNING_KEY,
    jwtTtlSec: env.CODEXK8S_JWT_TTL,
    sessionMaxSec: env.CODEXK8S_SESSION_MAX_SECONDS,
    trustedProxies: env.CODEXK8S_TRUSTED_PROXIES,
    cookieSecure: env.CODEXK8S_COOKIE_SECURE,
    oauth: {
      clientId: env.CODEXK8S_GITHUB_OAUTH_CLIENT_ID,
      clientSecret: env.CODEXK8S_GITHUB_OAUTH_CLIENT_SECRET,
      authorizeUrl: env.CODEXK8S_GITHUB_OAUTH_AUTHORIZE_URL,
      tokenUrl: env.CODEXK8S_GITHUB_OAUTH_TOKEN_URL,
    },
    githubApiUrl: env.CODEXK8S_GITHUB_BASE_URL,
    consoleDir: env.CODEXK8S_CONSOLE_DIR,
  }));
export type Config = z.infer<typeof Config>;

export function environment(): NodeJS.ProcessEnv {
  return process.env;
}
