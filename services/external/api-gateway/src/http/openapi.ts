import { contractText } from '@codex-k8s/contracts';
import { readContract } from '@codex-k8s/http';

/** The contract as served: the public webhook and the staff API in one document. */
export function openApiDocument(): Record<string, unknown> {
  const staff = readContract(contractText('staff')).document;
  const webhooks = readContract(contractText('webhooks')).document;
  const schemas = (document: typeof staff): object => (document['components'] as { schemas: object }).schemas; // both documents have them
  return {
    ...staff,
    paths: { ...(webhooks['paths'] as object), ...(staff['paths'] as object) }, // OpenAPI objects
    components: { ...(staff['components'] as object), schemas: { ...schemas(webhooks), ...schemas(staff) } }, // Error is the same in both
  };
}
