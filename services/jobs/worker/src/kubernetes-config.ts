import { z } from 'zod';

export const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  );

/** `disk=ssd,zone=a` */
const pairs = list.transform((parts, context) => {
  const entries = parts.map((part) => /^([^=]+)=(.*)$/s.exec(part));
  if (entries.includes(null)) context.addIssue('pairs such as disk=ssd,zone=a');
  return Object.fromEntries(entries.map((entry): [string, string] => [entry?.[1] ?? '', entry?.[2] ?? '']));
});
const Toleration = z.object({
  key: z.string().optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
});
const tolerations = z
  .string()
  .default('[]')
  .transform((text, context) => {
    try {
      return z.array(Toleration).parse(JSON.parse(text));
    } catch {
      context.addIssue('a JSON list such as [{"key":"agents","operator":"Exists"}]');
      return z.NEVER;
    }
  });

/** Of the Kubernetes runtime; without a kubeconfig the worker is a pod of the cluster. */
export const kubernetesVariables = {
  CODEXK8S_KUBECONFIG: z.string().min(1).optional(),
  CODEXK8S_AGENT_IMAGE: z.string().min(1).optional(),
  CODEXK8S_WORKER_RUN_NAMESPACE_PREFIX: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,23}$/, 'at most 24 small letters, digits and dashes')
    .default('codex-issue'),
  CODEXK8S_WORKER_RUN_QUOTA_PODS: z.coerce.number().int().positive().default(20),
  CODEXK8S_WORKER_RUN_NODE_SELECTOR: pairs,
  CODEXK8S_WORKER_RUN_TOLERATIONS: tolerations,
  CODEXK8S_WORKER_RUN_RUNTIME_CLASS: z.string().optional(),
  CODEXK8S_WORKER_RUN_CPU_REQUEST: z.string().default('250m'),
  CODEXK8S_WORKER_RUN_CPU_LIMIT: z.string().default('2'),
  CODEXK8S_WORKER_RUN_MEMORY_REQUEST: z.string().default('512Mi'),
  CODEXK8S_WORKER_RUN_MEMORY_LIMIT: z.string().default('4Gi'),
};

export type KubernetesSettings = ReturnType<typeof kubernetesSettings>;

export function kubernetesSettings(env: z.infer<z.ZodObject<typeof kubernetesVariables>>) {
  return {
    kubeconfig: env.CODEXK8S_KUBECONFIG,
    image: env.CODEXK8S_AGENT_IMAGE,
    namespacePrefix: env.CODEXK8S_WORKER_RUN_NAMESPACE_PREFIX,
    podsPerProject: env.CODEXK8S_WORKER_RUN_QUOTA_PODS,
    placement: {
      nodeSelector: env.CODEXK8S_WORKER_RUN_NODE_SELECTOR,
      tolerations: env.CODEXK8S_WORKER_RUN_TOLERATIONS,
      runtimeClass: env.CODEXK8S_WORKER_RUN_RUNTIME_CLASS,
    },
    resources: {
      cpu: env.CODEXK8S_WORKER_RUN_CPU_REQUEST,
      cpuLimit: env.CODEXK8S_WORKER_RUN_CPU_LIMIT,
      memory: env.CODEXK8S_WORKER_RUN_MEMORY_REQUEST,
      memoryLimit: env.CODEXK8S_WORKER_RUN_MEMORY_LIMIT,
    },
  };
}

/** For what only looks at the cluster. */
export const KubernetesConfig = z.object(kubernetesVariables).transform(kubernetesSettings);
