/**
 * What must hold around an agent's pod, and whether it was seen to hold (design, promise 4: a control that cannot be proven is reported absent,
 * never assumed). Probed in the cluster itself; read by the worker, the API and the console.
 */
export const clusterControls = [
  'network_policy',
  'pod_security',
  'admission_policy',
  'quota',
  'dns',
  'storage_class',
  'runtime_class',
] as const;
export type ClusterControl = (typeof clusterControls)[number];

/** `holds`: tried, and it held. `absent`: tried, and it did not, or it is not configured. `unproven`: the trial itself did not work. */
export type ControlState = 'holds' | 'absent' | 'unproven';

export interface ControlFinding {
  readonly control: ClusterControl;
  readonly state: ControlState;
  /** What was tried and seen. */
  readonly evidence: string;
}

/** Seconds; what was found longer ago says nothing about now. */
export const findingsCountSec = 3_600;

/** Without these two a pod is not kept from other pods or from its node. */
const isolating: readonly ClusterControl[] = ['network_policy', 'pod_security'];

/** Only what was seen to hold counts; no findings at all is no isolation. */
export function isIsolated(findings: readonly ControlFinding[]): boolean {
  return isolating.every((control) => findings.some((finding) => finding.control === control && finding.state === 'holds'));
}
