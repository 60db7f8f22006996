/**
 * The label catalogue (FR-026, reference §2): data derived from the stages. Code asks for a label by its role here and compares with the
 * configured text, never with a literal (NFR-011): every text can be replaced through its variable.
 */
import { stages, type Stage } from './stages.ts';

export type LabelClass = 'run' | 'state' | 'need' | 'diagnostic' | 'mode';

export interface LabelSpec {
  readonly key: string;
  readonly labelClass: LabelClass;
  /** Environment and repository variable that may replace the text. */
  readonly variable: string;
  readonly defaultText: string;
  readonly description: string;
  readonly trigger?: Trigger;
}

/** What a trigger label asks for. */
export interface Trigger {
  readonly stage: Stage;
  /** Snake-case name such as `dev_revise`. */
  readonly kind: string;
  readonly agentKey: string;
  readonly isRevise: boolean;
  readonly executable: boolean;
}

function variableOf(text: string): string {
  return `CODEXK8S_${text.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}_LABEL`;
}

function label(labelClass: LabelClass, text: string, description: string, trigger?: Trigger): LabelSpec {
  return { key: text, labelClass, variable: variableOf(text), defaultText: text, description, ...(trigger && { trigger }) };
}

function triggerLabels(): LabelSpec[] {
  return Object.entries(stages).flatMap(([name, { kind, agentKey, hasRevise, executable }]) => {
    const stage = name as Stage; // Object.entries forgets the key type of our own table
    const plain = label('run', `run:${name}`, `Start the ${name} stage`, { stage, kind, agentKey, isRevise: false, executable });
    if (!hasRevise) return [plain];
    const revise = { stage, kind: `${kind}_revise`, agentKey, isRevise: true, executable };
    return [plain, label('run', `run:${name}:revise`, `Rework the result of the ${name} stage`, revise)];
  });
}

export const labelCatalogue: readonly LabelSpec[] = [
  ...triggerLabels(),
  label('diagnostic', 'run:debug', 'Keep the namespace of a run for inspection'),
  label('state', 'state:blocked', 'The stage must not start or continue'),
  label('state', 'state:in-review', 'The result waits for the owner'),
  label('state', 'state:approved', 'The owner accepted the stage'),
  label('state', 'state:superseded', 'Replaced by a newer result'),
  label('state', 'state:abandoned', 'Work stopped'),
  label('need', 'need:input', 'The owner must answer'),
  ...['pm', 'sa', 'qa', 'sre', 'em', 'km'].map((role) => label('need', `need:${role}`, `Review or advice by ${role} is wanted`)),
  label('need', 'need:reviewer', 'A pre-review of the pull request is wanted'),
  label('mode', 'mode:discussion', 'Discuss in comments, change nothing'),
];

/** The texts that an environment gives to labels, by variable: for `createLabels`. */
export function labelTextsOf(env: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    labelCatalogue.flatMap(({ variable }) => {
      const text = env[variable];
      return typeof text === 'string' ? [[variable, text]] : [];
    }),
  );
}

/** Labels as one installation names them. */
export interface Labels {
  /** The configured text of a label by its key, such as `state:in-review`. */
  text(key: string): string;
  /** What a label on an issue would start; undefined when it starts nothing. */
  triggerOf(text: string): Trigger | undefined;
  /** The trigger label of a stage. */
  triggerText(stage: Stage, isRevise: boolean): string;
  readonly all: readonly { readonly spec: LabelSpec; readonly text: string }[];
}

export function createLabels(overrides: Readonly<Record<string, string | undefined>> = {}): Labels {
  const all = labelCatalogue.map((spec) => ({ spec, text: overrides[spec.variable] ?? spec.defaultText }));
  const textByKey = new Map(all.map(({ spec, text }) => [spec.key, text]));
  const triggerByText = new Map(all.flatMap(({ spec, text }) => (spec.trigger ? [[text.toLowerCase(), spec.trigger] as const] : [])));
  function text(key: string): string {
    const found = textByKey.get(key);
    if (found === undefined) throw new TypeError(`no label ${key} in the catalogue`);
    return found;
  }
  return {
    all,
    text,
    triggerOf: (value) => triggerByText.get(value.toLowerCase()),
    triggerText: (stage, isRevise) => text(isRevise ? `run:${stage}:revise` : `run:${stage}`),
  };
}
