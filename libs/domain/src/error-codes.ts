import { clusterErrorCodes } from './cluster-error-codes.ts';
import type { ErrorKind } from './error-kind.ts';

export type { ErrorKind };

/** The one table of failures: every one has a code, a cause and a remedy. */
export const errorCodes = {
  // requests
  'request.invalid': {
    http: 400,
    retry: false,
    cause: 'The request does not match the API contract.',
    remedy: 'Correct the named field and send it again.',
  },
  'request.malformed': {
    http: 400,
    retry: false,
    cause: 'The body is not valid JSON or has the wrong content type.',
    remedy: 'Send application/json with a valid JSON body.',
  },
  'request.too_large': {
    http: 413,
    retry: false,
    cause: 'The body is larger than the limit.',
    remedy: 'Send a smaller body; webhooks may have up to 25 MiB.',
  },
  'request.unprocessable': {
    http: 422,
    retry: false,
    cause: 'The values are well-formed but cannot be used together or here.',
    remedy: 'Correct the named field and send it again.',
  },
  'request.not_found': { http: 404, retry: false, cause: 'There is no such address.', remedy: 'Check the path against the API reference.' },
  'request.rate_limited': {
    http: 429,
    retry: true,
    cause: 'Too many requests in a short time.',
    remedy: 'Wait for the seconds named in Retry-After and try again.',
  },
  // who may do what
  'auth.unauthorized': {
    http: 401,
    retry: false,
    cause: 'No valid session or token was sent.',
    remedy: 'Sign in again or send a valid bearer token.',
  },
  'auth.forbidden': {
    http: 403,
    retry: false,
    cause: 'Your role does not allow this action.',
    remedy: 'Ask a project admin for a higher role.',
  },
  'auth.email_not_allowed': {
    http: 403,
    retry: false,
    cause: 'Your e-mail is not on the list of allowed users.',
    remedy: 'Ask a platform admin to add your verified primary e-mail.',
  },
  'auth.oauth_failed': {
    http: 401,
    retry: false,
    cause: 'The sign-in with GitHub did not complete.',
    remedy: 'Start the sign-in again; if it repeats, check the OAuth app settings.',
  },
  'auth.csrf_rejected': {
    http: 403,
    retry: false,
    cause: 'The request came from another origin.',
    remedy: 'Use the console under its own address.',
  },
  'webhook.signature_invalid': {
    http: 401,
    retry: false,
    cause: 'The webhook signature is missing or wrong.',
    remedy: 'Set the same secret at GitHub and in CODEXK8S_GITHUB_WEBHOOK_SECRET.',
  },
  // things that are not there or not free
  'project.not_found': {
    http: 404,
    retry: false,
    cause: 'There is no such project, or you are not its member.',
    remedy: 'Check the id or ask for membership.',
  },
  'project.slug_taken': { http: 409, retry: false, cause: 'Another project has this slug or name.', remedy: 'Choose another slug.' },
  'project.protected': {
    http: 409,
    retry: false,
    cause: 'The platform project cannot be deleted.',
    remedy: 'Delete its repositories or members instead.',
  },
  'repository.not_found': { http: 404, retry: false, cause: 'There is no such repository in this project.', remedy: 'Check the id.' },
  'repository.already_bound': {
    http: 409,
    retry: false,
    cause: 'The repository belongs to a project already.',
    remedy: 'Remove it there first.',
  },
  'user.not_found': { http: 404, retry: false, cause: 'There is no such user.', remedy: 'Add the user by e-mail first.' },
  'user.exists': { http: 409, retry: false, cause: 'A user with this e-mail exists.', remedy: 'Change the existing user instead.' },
  'user.protected': { http: 409, retry: false, cause: 'You cannot remove yourself or the platform owner.', remedy: 'Ask another admin.' },
  'approval.not_found': { http: 404, retry: false, cause: 'There is no such request.', remedy: 'Reload the inbox.' },
  'approval.already_decided': {
    http: 409,
    retry: false,
    cause: 'The request was decided or expired before.',
    remedy: 'Reload the inbox to see the decision.',
  },
  'approval.stale': {
    http: 409,
    retry: false,
    cause: 'What the request names has changed since it was made.',
    remedy: 'Look at the new state and decide again.',
  },
  'run.not_found': {
    http: 404,
    retry: false,
    cause: 'There is no such run, or you are not a member of its project.',
    remedy: 'Check the id.',
  },
  'run.illegal_move': {
    http: 409,
    retry: false,
    cause: 'The run is not in a status that allows this.',
    remedy: 'Reload the run to see its status.',
  },
  'run.attempt_superseded': {
    http: 409,
    retry: false,
    cause: 'A newer attempt of this run has taken over.',
    remedy: 'Nothing to do: the older process ends itself.',
  },
  // how a run can fail
  'run.agent_unavailable': {
    http: 409,
    retry: false,
    cause: 'The agent command is not installed where the run started.',
    remedy: 'Install it, or choose another agent for this role, then label the issue again.',
  },
  'run.agent_crashed': {
    http: 500,
    retry: false,
    cause: 'The agent process ended unexpectedly, more often than the policy allows.',
    remedy: 'Read the end of the log, then label the issue again.',
  },
  'run.agent_failed': {
    http: 500,
    retry: false,
    cause: 'The agent reported that it could not do the task.',
    remedy: 'Read its message, change the issue, and label it again.',
  },
  'run.runner_failed': {
    http: 500,
    retry: false,
    cause: 'The runner could not prepare the workspace.',
    remedy: 'Read the log; check the repository and its token.',
  },
  'run.model_unauthorized': {
    http: 401,
    retry: false,
    cause: 'The model endpoint refused the key.',
    remedy: 'Set a valid key for the model and label the issue again.',
  },
  'run.model_rate_limited': {
    http: 429,
    retry: false,
    cause: 'The model endpoint limits the rate or the quota is used up.',
    remedy: 'Wait or raise the quota, then label the issue again.',
  },
  'run.model_unavailable': {
    http: 503,
    retry: false,
    cause: 'The model endpoint did not answer.',
    remedy: 'Check the base URL and the network, then label the issue again.',
  },
  'run.report_missing': {
    http: 500,
    retry: false,
    cause: 'The agent ended without submitting its report.',
    remedy: 'Read the log; label the issue again to retry.',
  },
  'run.report_invalid': {
    http: 422,
    retry: false,
    cause: 'The report does not match the required schema.',
    remedy: 'Correct the named fields; the agent may submit again.',
  },
  'run.nothing_delivered': {
    http: 500,
    retry: false,
    cause: 'The agent said it was done but made no commit of its own.',
    remedy:
      'Make the issue more specific and label it again. If an earlier run left all of the work on the branch, open the pull request from it by hand.',
  },
  'run.delivery_unconfirmed': {
    http: 500,
    retry: false,
    cause: 'GitHub does not confirm the branch, commit or pull request that was claimed.',
    remedy: 'Look at the branch on GitHub, then label the issue again.',
  },
  'run.timed_out': {
    http: 504,
    retry: false,
    cause: 'The run used up its time.',
    remedy: 'Raise the timeout of the agent or split the issue.',
  },
  'run.review_timed_out': {
    http: 504,
    retry: false,
    cause: 'The owner did not decide in time.',
    remedy: 'Label the issue again to start over.',
  },
  'run.cancelled': { http: 409, retry: false, cause: 'A person cancelled the run.', remedy: 'Label the issue again to start over.' },
  'run.issue_closed': {
    http: 409,
    retry: false,
    cause: 'The issue was closed while the run was unfinished.',
    remedy: 'Reopen the issue and label it again.',
  },
  'run.pull_request_missing': {
    http: 409,
    retry: false,
    cause: 'There is no open pull request to revise.',
    remedy: 'Use the base trigger label of the stage instead.',
  },
  'run.pull_request_closed': {
    http: 409,
    retry: false,
    cause: 'A person closed or merged the pull request before the run was over.',
    remedy: 'If more work is wanted, label the issue again; a closed pull request can be reopened first.',
  },
  'run.session_lost': {
    http: 500,
    retry: false,
    cause: 'The agent session could not be restored, and the policy forbids starting afresh.',
    remedy: 'Label the issue again to start a new session.',
  },
  'run.disk_full': {
    http: 507,
    retry: false,
    cause: 'There was no space left for the workspace or the log.',
    remedy: 'Free disk space where the runs live, then label the issue again.',
  },
  'run.precondition_failed': {
    http: 409,
    retry: false,
    cause: 'The run cannot start as configured.',
    remedy: 'Read the message, correct it, and label the issue again.',
  },
  'runtime.not_allowed': {
    http: 409,
    retry: false,
    cause: 'The local runtime is for the trial only.',
    remedy: 'Set CODEXK8S_ENV=local, or use the Kubernetes runtime.',
  },
  // GitHub
  'github.unauthorized': {
    http: 502,
    retry: false,
    cause: 'GitHub refused the repository token.',
    remedy: 'Store a valid token for the repository, then label the issue again.',
  },
  'github.forbidden': {
    http: 502,
    retry: false,
    cause: 'The repository token lacks a permission.',
    remedy: 'Grant contents, issues, pull requests and webhooks to the token.',
  },
  'github.not_found': {
    http: 502,
    retry: false,
    cause: 'GitHub does not know the repository or object, or the token may not see it.',
    remedy: 'Check that it exists and that the token can see it.',
  },
  'github.rate_limited': {
    http: 503,
    retry: true,
    cause: 'GitHub limits the rate of this token.',
    remedy:
      'Nothing to do: the platform tries again after the time GitHub names. If the run has failed over it, label the issue again then.',
  },
  'github.rejected': {
    http: 502,
    retry: false,
    cause: 'GitHub refused the change.',
    remedy: 'Read the message; correct the repository settings.',
  },
  'github.push_rejected': {
    http: 502,
    retry: false,
    cause: 'GitHub refused the push to the run branch.',
    remedy: 'Check branch protection and the token permissions, then label the issue again.',
  },
  'github.unavailable': {
    http: 503,
    retry: true,
    cause: 'GitHub did not answer or answered with a server error.',
    remedy: 'Nothing to do: the platform tries again. If the run has failed over it, label the issue again when GitHub answers.',
  },
  // ourselves
  'config.invalid': {
    http: 500,
    retry: false,
    cause: 'The configuration is incomplete or wrong.',
    remedy: 'Correct the named variables and start again.',
  },
  'database.unavailable': {
    http: 503,
    retry: true,
    cause: 'The database does not answer.',
    remedy: 'Nothing to do: the platform tries again; check PostgreSQL if it lasts.',
  },
  'database.full': {
    http: 507,
    retry: true,
    cause: 'There is no space left where the database lives.',
    remedy: 'Free disk space there; the platform goes on by itself.',
  },
  'database.locked': {
    http: 409,
    retry: false,
    cause: 'Another process uses this data folder.',
    remedy: 'Stop the other platform or choose another --data-dir.',
  },
  'secret.undecryptable': {
    http: 500,
    retry: false,
    cause: 'A stored token cannot be decrypted with the present keys.',
    remedy: 'Restore the old key beside the new one, or store the token again.',
  },
  'service.unavailable': {
    http: 503,
    retry: true,
    cause: 'A part of the platform is not reachable.',
    remedy: 'Wait a little; check /readyz of the services if it lasts.',
  },
  // the cluster
  ...clusterErrorCodes,
  internal: { http: 500, retry: false, cause: 'A defect of the platform.', remedy: 'Report it with the correlation id.' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorCodes;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorCodes, value);
}
