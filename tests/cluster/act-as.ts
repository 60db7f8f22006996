import { connectKube, type Kube } from '@codex-k8s/kube';
import { inject } from 'vitest';

/** A connection with a token of the service account, as its pods get it. */
export async function actAs(kube: Kube, { namespace, name }: { namespace: string; name: string }): Promise<Kube> {
  const body = { spec: { audiences: [], expirationSeconds: 3_600 } };
  const { status } = await kube.core.createNamespacedServiceAccountToken({ name, namespace, body });
  const own = connectKube({ kubeconfig: inject('kubeconfig') });
  own.config.users = [{ name, token: status?.token ?? '' }];
  own.config.contexts = own.config.contexts.map((context) => ({ ...context, user: name }));
  return own;
}

export type Outcome = 'done' | 'forbidden' | 'rejected';

/** What the API server says. `forbidden`: by RBAC. `rejected`: by an admission policy. */
export async function attempt(act: () => Promise<unknown>): Promise<Outcome> {
  try {
    await act();
    return 'done';
  } catch (error) {
    const { code, body = '' } = error as { code?: number; body?: string }; // ApiException
    if (code !== 403 && code !== 422) throw error;
    return /ValidatingAdmissionPolicy|PodSecurity/.test(body) ? 'rejected' : 'forbidden';
  }
}
