import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** In PEM. */
export interface TestCertificate {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** Of an authority that nobody else knows; `names` such as `DNS:localhost`. Leaves its files in the folder. */
export function makeCertificate(folder: string, names: readonly string[]): TestCertificate {
  const at = (name: string): string => join(folder, name);
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  openssl(...request, '-keyout', at('ca.key'), '-out', at('ca.crt'), '-subj', '/CN=an authority of ours');
  const signing = [
    '-CA',
    at('ca.crt'),
    '-CAkey',
    at('ca.key'),
    '-subj',
    '/CN=a server of ours',
    '-addext',
    `subjectAltName=${names.join(',')}`,
  ];
  openssl(...request, '-keyout', at('server.key'), '-out', at('server.crt'), ...signing, '-addext', 'basicConstraints=critical,CA:FALSE');
  const read = (name: string): string => readFileSync(at(name), 'utf8');
  return { authority: read('ca.crt'), certificate: read('server.crt'), key: read('server.key') };
}
