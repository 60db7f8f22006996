import { isAppError } from '@codex-k8s/domain';
import { expect, test } from 'vitest';
import { translateDatabaseError } from './store.ts';

test.each([
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify the first certificate'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', "Hostname/IP does not match certificate's altnames"],
  ['CERT_HAS_EXPIRED', 'certificate has expired'],
])('a database that cannot prove who it is is unavailable, and why is said (%s)', (code, message) => {
  const error = translateDatabaseError(Object.assign(new Error(message), { code }));

  expect(isAppError(error, 'database.unavailable') && error.message).toContain(message);
});
