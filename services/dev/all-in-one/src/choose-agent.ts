import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { AppError } from '@codex-k8s/domain';
import type { AgentChoice } from './services-env.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const openAiUrl = 'https://api.openai.com/v1';

/** Is the codex command here, and is there something for it to talk to? */
export function canOfferCodex(environment: Environment): boolean {
  return (
    findOnPath('codex', environment) !== undefined &&
    (keyOf(environment) !== undefined || environment['CODEXK8S_MODEL_BASE_URL'] !== undefined)
  );
}

function keyOf(environment: Environment): string | undefined {
  return environment['CODEXK8S_OPENAI_API_KEY'] ?? environment['OPENAI_API_KEY'];
}

export function findOnPath(command: string, { PATH = '' }: Environment): string | undefined {
  return PATH.split(delimiter)
    .map((folder) => join(folder, command))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false; // not in this folder
      }
    });
}

/** The trial agent with the scripted model, unless asked for codex or given a model address. `run.agent_unavailable` when codex is not there. */
export function chooseAgent(
  wanted: 'trial' | 'codex',
  { environment, scriptedUrl }: { environment: Environment; scriptedUrl: string },
): AgentChoice {
  const givenUrl = environment['CODEXK8S_MODEL_BASE_URL'];
  const apiKey = keyOf(environment);
  if (wanted === 'codex' && findOnPath('codex', environment) === undefined) {
    throw new AppError('run.agent_unavailable', 'The codex command is not on PATH. Install it with: npm install -g @openai/codex');
  }
  const baseUrl = givenUrl ?? (wanted === 'codex' && apiKey !== undefined ? openAiUrl : scriptedUrl);
  const scripted = baseUrl === scriptedUrl;
  const model = environment['CODEXK8S_AGENT_DEFAULT_MODEL'] ?? (scripted ? 'scripted' : 'gpt-5.5');
  return { program: wanted, model, baseUrl, apiKey, scripted };
}
