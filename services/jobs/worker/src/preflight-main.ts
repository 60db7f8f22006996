/** Tries the controls of the cluster as a worker would. One JSON object on standard output, or the error object on standard error. */
import { randomUUID } from 'node:crypto';
import { AppError, describeError, errorCodes, isIsolated } from '@codex-k8s/domain';
import { checkVersion, connectKube, probeControls } from '@codex-k8s/kube';
import { readConfig } from '@codex-k8s/runtime';
import { environment } from './config.ts';
import { KubernetesConfig } from './kubernetes-config.ts';

async function run(): Promise<object> {
  const { kubeconfig, image, namespacePrefix, placement, resources } = readConfig(KubernetesConfig, environment());
  const kube = connectKube({ kubeconfig });
  const version = await checkVersion(kube);
  if (image === undefined) throw new AppError('config.invalid', 'The probes run the image of agents; set CODEXK8S_AGENT_IMAGE.');
  const input = { namespace: `${namespacePrefix}-preflight`, id: randomUUID().slice(0, 8), image, resources, ...placement };
  const findings = await probeControls(kube, input);
  return { version, isolated: isIsolated(findings), findings };
}

try {
  process.stdout.write(`${JSON.stringify(await run())}\n`);
} catch (error) {
  const { code, message } = describeError(error);
  process.stderr.write(`${JSON.stringify({ code, message, remedy: errorCodes[code].remedy })}\n`);
  process.exitCode = 1;
}
