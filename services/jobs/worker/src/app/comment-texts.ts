/** What the platform says on issues and pull requests, in both languages; pure. */
import { errorCodes, errorTextsRu, isErrorCode, type RefusalReason, type RunStatus } from '@codex-k8s/domain';
import type { Run } from '@codex-k8s/store';

export type Locale = 'en' | 'ru';

const statusWords: Record<Locale, Record<RunStatus, string>> = {
  en: {
    pending: '⏳ queued',
    running: '⚙️ working',
    waiting_mcp: '❓ waiting for an answer',
    waiting_owner_review: '👀 delivered, waiting for the owner',
    succeeded: '✅ done',
    failed: '❌ failed',
    timed_out: '⌛ out of time',
    cancelled: '🚫 cancelled',
  },
  ru: {
    pending: '⏳ в очереди',
    running: '⚙️ работает',
    waiting_mcp: '❓ ждёт ответа',
    waiting_owner_review: '👀 готово, ждёт решения владельца',
    succeeded: '✅ завершено',
    failed: '❌ не удалось',
    timed_out: '⌛ вышло время',
    cancelled: '🚫 отменено',
  },
};

const words = {
  en: {
    run: 'Run',
    agent: 'Agent',
    attempt: 'attempt',
    pullRequest: 'Pull request',
    cause: 'Cause',
    remedy: 'What to do',
    scripted: 'answers come from the scripted model, not from an AI',
  },
  ru: {
    run: 'Запуск',
    agent: 'Агент',
    attempt: 'попытка',
    pullRequest: 'Pull request',
    cause: 'Причина',
    remedy: 'Что делать',
    scripted: 'ответы даёт сценарная модель, а не ИИ',
  },
} as const;

/** Identifies the one comment of a run. */
export function statusMarker(runId: string): string {
  return `codex-k8s:run-status {"run_id":"${runId}"`;
}

/** The one comment of a run, edited as it advances; a hidden line holds the same facts for machines (reference §2.9). */
export function statusComment(run: Run, { locale, publicUrl }: { locale: Locale; publicUrl: string }): string {
  const word = words[locale];
  const lines = [
    `**${statusWords[locale][run.status]}** · [${word.run} ${run.id.slice(0, 8)}](${publicUrl}/runs/${run.id})`,
    `${word.agent}: ${run.agentKey} (${run.program}, ${run.model})${run.attempt > 1 ? `, ${word.attempt} ${run.attempt}` : ''}${run.scripted ? ` — ${word.scripted}` : ''}`,
    ...(run.prNumber === null ? [] : [`${word.pullRequest}: #${run.prNumber}`]),
    ...failureLines(run, locale),
  ];
  const facts = {
    run_id: run.id,
    phase: phaseOf(run.status),
    run_status: run.status,
    attempt: run.attempt,
    trigger_kind: run.triggerKind,
    prompt_locale: locale,
    model: run.model,
    reasoning_effort: run.reasoningEffort,
  };
  return `${lines.join('\n\n')}\n\n<!-- codex-k8s:run-status ${JSON.stringify(facts)} -->`;
}

function failureLines({ failureCode, failureMessage }: Run, locale: Locale): string[] {
  if (failureCode === null) return [];
  const word = words[locale];
  const { cause, remedy } = (locale === 'ru' ? errorTextsRu : errorCodes)[isErrorCode(failureCode) ? failureCode : 'internal'];
  return [`${word.cause}: ${failureMessage ?? cause} (\`${failureCode}\`)`, `${word.remedy}: ${remedy}`];
}

function phaseOf(status: RunStatus): 'planned' | 'started' | 'finished' {
  if (status === 'pending') return 'planned';
  return status === 'running' || status === 'waiting_mcp' ? 'started' : 'finished';
}

export interface RefusalFacts {
  readonly label?: string;
  readonly conflicting?: readonly string[];
  readonly active_run_id?: string;
}

/** What was refused, why, and the exact remedy (reference §2.9). */
export function refusalComment(
  reason: RefusalReason,
  facts: RefusalFacts,
  { locale, publicUrl, deliveryId }: { locale: Locale; publicUrl: string; deliveryId: string },
): string {
  return `${refusalText(reason, facts, { locale, publicUrl })}\n\n<!-- codex-k8s:refusal ${deliveryId} -->`;
}

function refusalText(
  reason: RefusalReason,
  { label = '', conflicting = [], active_run_id }: RefusalFacts,
  { locale, publicUrl }: { locale: Locale; publicUrl: string },
): string {
  const list = conflicting.map((text) => `\`${text}\``).join(', ');
  const link = active_run_id === undefined ? '' : ` ${publicUrl}/runs/${active_run_id}`;
  const texts: Record<Locale, Partial<Record<RefusalReason, string>>> = {
    en: {
      issue_trigger_label_conflict: `No run was started: the issue has several trigger labels (${list}). Leave exactly one and set it again.`,
      active_run_exists: `\`${label}\` was taken off: a run of this issue is at work.${link} Set the label again when it has ended.`,
      stage_transition_not_allowed: `\`${label}\` was taken off: the stage does not allow it now. A result in review is reworked with the \`:revise\` label, or decided in the inbox.`,
      stage_not_available: `\`${label}\` was taken off: this version does not run that stage yet. It runs \`run:dev\` and \`run:dev:revise\`.`,
      stage_blocked: `No run was started: the issue is blocked. Remove the \`state:blocked\` label and set \`${label}\` again.`,
      stage_input_pending: `No run was started: a question to the owner is open. Answer it, remove the \`need:input\` label and set \`${label}\` again.`,
      pull_request_missing: `\`${label}\` was taken off: there is no pull request to rework. Use the base trigger label of the stage.`,
      sender_type_bot_not_permitted: `No run was started: \`${label}\` was set by a bot. A person with write access must set it.`,
      issue_closed: `No run was started: the issue is closed. Reopen it and set \`${label}\` again.`,
      sender_not_allowed: `No run was started: whoever set \`${label}\` is no user of the platform. A platform admin can add them, or a member of the project with write access sets the label.`,
      sender_not_project_member: `No run was started: whoever set \`${label}\` is no member of the project. A project admin can add them, or a member with write access sets the label.`,
      sender_role_not_permitted: `No run was started: whoever set \`${label}\` may only read in this project. A project admin can give them write access, or a member who has it sets the label.`,
    },
    ru: {
      issue_trigger_label_conflict: `Запуск не создан: на задаче несколько триггерных лейблов (${list}). Оставьте ровно один и поставьте его заново.`,
      active_run_exists: `Лейбл \`${label}\` снят: по этой задаче уже идёт запуск.${link} Поставьте лейбл снова, когда он завершится.`,
      stage_transition_not_allowed: `Лейбл \`${label}\` снят: этап сейчас этого не допускает. Результат на ревью дорабатывается лейблом \`:revise\` или решением во входящих.`,
      stage_not_available: `Лейбл \`${label}\` снят: эта версия ещё не выполняет такой этап. Она выполняет \`run:dev\` и \`run:dev:revise\`.`,
      stage_blocked: `Запуск не создан: задача заблокирована. Снимите лейбл \`state:blocked\` и поставьте \`${label}\` снова.`,
      stage_input_pending: `Запуск не создан: открыт вопрос к владельцу. Ответьте, снимите лейбл \`need:input\` и поставьте \`${label}\` снова.`,
      pull_request_missing: `Лейбл \`${label}\` снят: нет pull request для доработки. Используйте базовый лейбл этапа.`,
      sender_type_bot_not_permitted: `Запуск не создан: лейбл \`${label}\` поставил бот. Его должен поставить человек с правом записи.`,
      issue_closed: `Запуск не создан: задача закрыта. Откройте её и поставьте \`${label}\` снова.`,
      sender_not_allowed: `Запуск не создан: поставивший \`${label}\` не является пользователем платформы. Его может добавить администратор платформы, либо лейбл ставит участник проекта с правом записи.`,
      sender_not_project_member: `Запуск не создан: поставивший \`${label}\` не участник проекта. Его может добавить администратор проекта, либо лейбл ставит участник с правом записи.`,
      sender_role_not_permitted: `Запуск не создан: поставивший \`${label}\` может в этом проекте только читать. Администратор проекта может дать ему право записи, либо лейбл ставит участник с таким правом.`,
    },
  };
  return texts[locale][reason] ?? `\`${label}\`: ${reason}`;
}
