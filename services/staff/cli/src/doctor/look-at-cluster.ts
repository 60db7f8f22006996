import { z } from 'zod';
import { asCliError } from '../cli-error.ts';
import { paths } from '../repository-paths.ts';
import { runPart } from '../run-part.ts';
import type { Check } from './check.ts';

const Preflight = z.object({
  version: z.string(),
  isolated: z.boolean(),
  findings: z.array(z.object({ control: z.string(), state: z.enum(['holds', 'absent', 'unproven']), evidence: z.string() })),
});

const remedies: Readonly<Record<string, string>> = {
  network_policy: 'Use a network plugin that enforces NetworkPolicies, such as Cilium or Calico.',
  pod_security: 'Enable the admission plugin PodSecurity of the API server.',
  admission_policy:
    'kubectl apply -f deploy/kubernetes/agent-profiles.yaml -f deploy/kubernetes/admission-policies.yaml; without it full-env runs are refused.',
  quota: 'Check the kube-controller-manager.',
  dns: 'Check the DNS of the cluster; agents reach the control plane and GitHub by name.',
  storage_class: 'Mark a storage class as the default, if agents are to use volumes.',
  runtime_class: 'Optional: CODEXK8S_WORKER_RUN_RUNTIME_CLASS, such as gvisor.',
};

/** Asks the worker's own command, which tries what it would rely on. */
export async function lookAtCluster(): Promise<Check[]> {
  try {
    const { version, findings } = await runPart(paths.preflight, [], Preflight);
    return [{ name: 'cluster', verdict: 'ok', found: version }, ...findings.map(asCheck)];
  } catch (error) {
    const { message, problem } = asCliError(error);
    return [{ name: 'cluster', verdict: 'fail', found: message, ...(problem.remedy !== undefined && { remedy: problem.remedy }) }];
  }
}

function asCheck({ control, state, evidence }: z.infer<typeof Preflight>['findings'][number]): Check {
  const name = control.replaceAll('_', ' ');
  if (state === 'holds') return { name, verdict: 'ok', found: evidence };
  const remedy = remedies[control];
  const verdict = ['network_policy', 'pod_security', 'admission_policy'].includes(control) ? 'fail' : 'warn';
  return { name, verdict, found: `${state}: ${evidence}`, ...(remedy !== undefined && { remedy }) };
}
