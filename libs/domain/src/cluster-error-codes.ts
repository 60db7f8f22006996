import type { ErrorKind } from './error-kind.ts';

/** What a Kubernetes cluster can refuse, and how a pod can fail; part of the one table in error-codes.ts. */
export const clusterErrorCodes = {
  'run.image_unavailable': {
    http: 409,
    retry: false,
    cause: "The agent's image cannot be pulled.",
    remedy: 'Check the image name, and that the cluster may pull it; then label the issue again.',
  },
  'run.pod_not_started': {
    http: 409,
    retry: false,
    cause: "The cluster could not start the agent's container.",
    remedy: 'Read the message; it names what is missing or not allowed. Then label the issue again.',
  },
  'run.unschedulable': {
    http: 409,
    retry: false,
    cause: 'No node of the cluster had room for the agent in time.',
    remedy: 'Free or add capacity, or lower the resources of the agent; then label the issue again.',
  },
  'run.out_of_memory': {
    http: 409,
    retry: false,
    cause: 'The agent used more memory than it may.',
    remedy: "Raise the agent's memory limit, or make the task smaller.",
  },
  'run.pod_evicted': {
    http: 409,
    retry: false,
    cause: "A node took the agent's pod away, more often than the policy allows.",
    remedy: 'Look at the pressure on the nodes (memory, disk); then label the issue again.',
  },
  'run.node_lost': {
    http: 409,
    retry: false,
    cause: 'The node of the agent was lost, more often than the policy allows.',
    remedy: 'Look at the nodes of the cluster; then label the issue again.',
  },
  'run.control_not_proven': {
    http: 409,
    retry: false,
    cause: 'Something that must hold around the agent was not seen to hold in the cluster.',
    remedy:
      'Read the message; apply deploy/kubernetes, or fix the cluster, and check with `codexk8s doctor --cluster`; then label the issue again.',
  },
  'kube.controls_unknown': {
    http: 503,
    retry: true,
    cause: 'Nobody has tried the controls of the cluster within the last hour.',
    remedy: 'Wait a minute: a worker tries them. If it goes on, look into the log of the worker.',
  },
  'kube.unavailable': {
    http: 503,
    retry: true,
    cause: 'The Kubernetes API does not answer.',
    remedy: 'Check that the API server is up and can be reached from the platform.',
  },
  'kube.unauthorized': {
    http: 503,
    retry: true,
    cause: 'The cluster does not accept the credentials of the platform.',
    remedy: 'Renew the kubeconfig or the service account token.',
  },
  'kube.forbidden': {
    http: 503,
    retry: true,
    cause: 'The platform lacks a right in the cluster.',
    remedy: 'Grant the right that the message names; the chart contains the needed roles.',
  },
  'kube.not_found': { http: 404, retry: false, cause: 'There is no such object in the cluster.', remedy: 'Check its name and namespace.' },
  'kube.conflict': {
    http: 409,
    retry: true,
    cause: 'The object in the cluster has been changed meanwhile.',
    remedy: 'Look at its new state and try again.',
  },
  'kube.rejected': {
    http: 422,
    retry: false,
    cause: 'The cluster refuses the object: it is invalid, or a policy forbids it.',
    remedy: 'Read the message; it names the field or the policy.',
  },
  'kube.webhook_failed': {
    http: 503,
    retry: true,
    cause: 'An admission webhook of the cluster fails or does not answer, so the cluster takes no objects.',
    remedy: 'Repair the webhook that the message names, or leave the namespaces of runs out of it; the run then goes on by itself.',
  },
  'kube.quota_exceeded': {
    http: 503,
    retry: true,
    cause: 'The quota of the namespace is used up.',
    remedy: 'Wait for a run to end, or raise the quota of pods.',
  },
  'kube.namespace_terminating': {
    http: 503,
    retry: true,
    cause: 'The namespace is being deleted.',
    remedy: 'Wait until it is gone; a finalizer that hangs shows in its status.',
  },
  'kube.not_ours': {
    http: 409,
    retry: false,
    cause: 'An object of this name exists that the platform did not make.',
    remedy: 'Rename or remove it, or choose another prefix of run namespaces.',
  },
  'kube.too_old': {
    http: 503,
    retry: false,
    cause: 'The cluster is older than the platform supports.',
    remedy: 'Upgrade Kubernetes to the version that the message names.',
  },
  'kube.not_configured': {
    http: 409,
    retry: false,
    cause: 'The platform is connected to no cluster, as in the trial.',
    remedy:
      'Set CODEXK8S_KUBECONFIG of the control plane, or run it as a pod with the rights in deploy/kubernetes/control-plane-rights.yaml.',
  },
  'kube.list_expired': {
    http: 410,
    retry: true,
    cause: 'The cluster no longer keeps the list that this page continues.',
    remedy: 'Begin the list again.',
  },
  'kube.no_logs': {
    http: 409,
    retry: true,
    cause: 'The cluster has no log of this container.',
    remedy: 'Read the message: the container may not have started yet, or its node is gone.',
  },
  'cluster.view_only': {
    http: 403,
    retry: false,
    cause: 'This object is part of the platform, which is view-only in this environment.',
    remedy: 'Change it by the release: its chart or its manifests.',
  },
  'cluster.platform_object': {
    http: 403,
    retry: false,
    cause: 'This object is part of the platform, or holds what is, and cannot be deleted here.',
    remedy: 'Uninstall the release if the platform is to go.',
  },
  'cluster.dry_run_only': {
    http: 403,
    retry: false,
    cause: 'In an environment of agents, changes are only tried: the cluster was asked, and nothing was changed.',
    remedy: 'Let the agent change it, or do it in an environment where changes are allowed.',
  },
  'cluster.label_guarded': {
    http: 403,
    retry: false,
    cause: 'This label decides what may be done with the object, so it is not changed here.',
    remedy: 'Leave the label that the message names as it is.',
  },
  'cluster.secret_values': {
    http: 422,
    retry: false,
    cause: 'The values of Secrets are neither shown nor changed here.',
    remedy: 'Remove data and stringData from the text; set values with the tool that owns the Secret.',
  },
} as const satisfies Record<string, ErrorKind>;
