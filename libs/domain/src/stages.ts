/**
 * The delivery pipeline and who leads each stage (FR-028, reference §2.1, §3.2). `executable`: this version runs the stage; the others are
 * known words whose trigger is recorded and answered with `stage_not_available`, never silently dropped.
 */
interface StageSpec {
  readonly kind: string;
  readonly agentKey: string;
  readonly hasRevise: boolean;
  readonly executable: boolean;
}

export const stages = {
  intake: { kind: 'intake', agentKey: 'pm', hasRevise: true, executable: false },
  vision: { kind: 'vision', agentKey: 'pm', hasRevise: true, executable: false },
  prd: { kind: 'prd', agentKey: 'pm', hasRevise: true, executable: false },
  arch: { kind: 'arch', agentKey: 'sa', hasRevise: true, executable: false },
  design: { kind: 'design', agentKey: 'sa', hasRevise: true, executable: false },
  plan: { kind: 'plan', agentKey: 'em', hasRevise: true, executable: false },
  dev: { kind: 'dev', agentKey: 'dev', hasRevise: true, executable: true },
  'doc-audit': { kind: 'doc_audit', agentKey: 'reviewer', hasRevise: true, executable: false },
  qa: { kind: 'qa', agentKey: 'qa', hasRevise: true, executable: false },
  release: { kind: 'release', agentKey: 'em', hasRevise: true, executable: false },
  postdeploy: { kind: 'postdeploy', agentKey: 'sre', hasRevise: true, executable: false },
  ops: { kind: 'ops', agentKey: 'sre', hasRevise: true, executable: false },
  'self-improve': { kind: 'self_improve', agentKey: 'km', hasRevise: true, executable: false },
  rethink: { kind: 'rethink', agentKey: 'em', hasRevise: false, executable: false },
} as const satisfies Record<string, StageSpec>;

export type Stage = keyof typeof stages;

/** Routes through the pipeline; a project chooses one (reference §3.3). */
export const profiles = {
  'quick-fix': ['intake', 'plan', 'dev', 'qa', 'release', 'postdeploy', 'ops'],
  feature: ['intake', 'prd', 'design', 'plan', 'dev', 'qa', 'release', 'postdeploy', 'ops'],
  'new-service': ['intake', 'vision', 'prd', 'arch', 'design', 'plan', 'dev', 'qa', 'release', 'postdeploy', 'ops'],
} as const satisfies Record<string, readonly Stage[]>;

export type Profile = keyof typeof profiles;

/** The stage after `stage` on the route; undefined at its end or beside it. */
export function nextStage(profile: Profile, stage: Stage): Stage | undefined {
  const route: readonly Stage[] = profiles[profile];
  const at = route.indexOf(stage);
  return at < 0 ? undefined : route[at + 1];
}

/** The stage of a trigger kind such as `dev` or `dev_revise`; undefined for what is no stage, such as `review`. */
export function stageOfKind(triggerKind: string): Stage | undefined {
  const kind = triggerKind.replace(/_revise$/, '');
  const found = Object.entries(stages).find(([, spec]) => spec.kind === kind);
  return found?.[0] as Stage | undefined; // a key of our own table
}
