import { z } from 'zod';
import { GithubError, notFound, validationFailed } from '../errors.ts';
import { openSecret, sealingKey } from '../app/sealed-secrets.ts';
import { now } from '../forge.ts';
import { repositoryUrls } from '../present/repositories.ts';
import { nodeId } from '../present/users.ts';
import type { EnvironmentRecord, SecretRecord, VariableRecord } from '../store/records.ts';
import { created, noContent, ok, paged, parseBody, type Answer, type RepositoryCall, type Route } from './route.ts';

const Name = z.string().regex(/^(?!GITHUB_)[A-Za-z_][A-Za-z0-9_]*$/);
const NewVariable = z.object({ name: Name, value: z.string() });
const VariableChange = z.object({ name: Name.optional(), value: z.string().optional() });
const SealedSecret = z.object({ encrypted_value: z.string().min(1), key_id: z.string() });

/** What variables and secrets belong to: the repository or one of its environments. */
type ScopeOf = (call: RepositoryCall) => string;

const repositoryScope: ScopeOf = ({ repository }) => `repository:${repository.id}`;
const environmentScope: ScopeOf = (call) => `environment:${environmentOf(call).id}`;

function environmentOf({ forge, repository, params }: RepositoryCall): EnvironmentRecord {
  const environment = forge.store.environments.find(repository.id, (params['environment'] ?? '').toLowerCase());
  if (!environment) throw notFound();
  return environment;
}

function presentEnvironment({ forge, repository }: RepositoryCall, environment: EnvironmentRecord) {
  const { api, html } = repositoryUrls(forge, repository);
  return {
    id: environment.id,
    node_id: nodeId('Environment', environment.id),
    name: environment.name,
    url: `${api}/environments/${encodeURIComponent(environment.name)}`,
    html_url: `${html}/deployments/activity_log?environments_filter=${encodeURIComponent(environment.name)}`,
    created_at: environment.createdAt,
    updated_at: environment.updatedAt,
    protection_rules: [],
    deployment_branch_policy: null,
  };
}

function putEnvironment(call: RepositoryCall): Answer {
  const { forge, repository, params } = call;
  const name = params['environment'] ?? '';
  const at = now();
  const known = forge.store.environments.find(repository.id, name.toLowerCase());
  const environment = known
    ? forge.store.environments.change(known, { updatedAt: at })
    : forge.store.environments.insert(
        { parent: repository.id, name: name.toLowerCase() },
        { repositoryId: repository.id, name, createdAt: at, updatedAt: at },
      );
  return ok(presentEnvironment(call, environment));
}

function presentVariable({ name, value, createdAt, updatedAt }: VariableRecord) {
  return { name, value, created_at: createdAt, updated_at: updatedAt };
}

function variableOf(call: RepositoryCall, scope: string): VariableRecord {
  const variable = call.forge.store.variables.find(scope, (call.params['name'] ?? '').toUpperCase());
  if (!variable) throw notFound();
  return variable;
}

function createVariable(call: RepositoryCall, scope: string): Answer {
  const body = parseBody(NewVariable, call.body, 'Variable');
  const name = body.name.toUpperCase();
  if (call.forge.store.variables.find(scope, name)) throw new GithubError(409, 'Already exists - Variable already exists');
  const at = now();
  call.forge.store.variables.insert({ parent: scope, name }, { name, value: body.value, createdAt: at, updatedAt: at });
  return created({});
}

function changeVariable(call: RepositoryCall, scope: string): Answer {
  const { name, value } = parseBody(VariableChange, call.body, 'Variable');
  const variable = variableOf(call, scope);
  const { variables } = call.forge.store;
  const newName = name?.toUpperCase() ?? variable.name;
  call.forge.store.transaction(() => {
    variables.rename(variable, newName);
    variables.change(variable, { name: newName, value: value ?? variable.value, updatedAt: now() });
  });
  return noContent;
}

function presentSecret({ name, createdAt, updatedAt }: SecretRecord) {
  return { name, created_at: createdAt, updated_at: updatedAt };
}

function secretOf(call: RepositoryCall, scope: string): SecretRecord {
  const secret = call.forge.store.secrets.find(scope, (call.params['name'] ?? '').toUpperCase());
  if (!secret) throw notFound();
  return secret;
}

async function putSecret(call: RepositoryCall, scope: string): Promise<Answer> {
  const name = (call.params['name'] ?? '').toUpperCase();
  const body = parseBody(SealedSecret, call.body, 'Secret');
  const { store } = call.forge;
  const key = await sealingKey(store, scope);
  const fits = body.key_id === String(key.id) && (await openSecret(store, scope, { sealed: body.encrypted_value })) !== undefined;
  if (!fits) throw validationFailed('Improperly encrypted secret');
  const at = now();
  const known = store.secrets.find(scope, name);
  if (known) {
    store.secrets.change(known, { sealed: body.encrypted_value, updatedAt: at });
    return noContent;
  }
  store.secrets.insert({ parent: scope, name }, { name, sealed: body.encrypted_value, createdAt: at, updatedAt: at });
  return created({});
}

async function publicKey(call: RepositoryCall, scope: string): Promise<Answer> {
  const key = await sealingKey(call.forge.store, scope);
  return ok({ key_id: String(key.id), key: key.publicKey });
}

/** The same routes for the repository and for its environments. */
function scopedRoutes(variables: string, secrets: string, scopeOf: ScopeOf): Route[] {
  const store = (call: RepositoryCall) => call.forge.store;
  return [
    {
      method: 'GET',
      path: variables,
      access: 'write',
      handle: (call) => paged(call, store(call).variables.list(scopeOf(call)), presentVariable, 'variables'),
    },
    { method: 'POST', path: variables, access: 'write', handle: (call) => createVariable(call, scopeOf(call)) },
    {
      method: 'GET',
      path: `${variables}/:name`,
      access: 'write',
      handle: (call) => ok(presentVariable(variableOf(call, scopeOf(call)))),
    },
    { method: 'PATCH', path: `${variables}/:name`, access: 'write', handle: (call) => changeVariable(call, scopeOf(call)) },
    {
      method: 'DELETE',
      path: `${variables}/:name`,
      access: 'write',
      handle: (call) => {
        store(call).variables.remove(variableOf(call, scopeOf(call)));
        return noContent;
      },
    },
    {
      method: 'GET',
      path: secrets,
      access: 'write',
      handle: (call) => paged(call, store(call).secrets.list(scopeOf(call)), presentSecret, 'secrets'),
    },
    { method: 'GET', path: `${secrets}/public-key`, access: 'write', handle: (call) => publicKey(call, scopeOf(call)) },
    { method: 'GET', path: `${secrets}/:name`, access: 'write', handle: (call) => ok(presentSecret(secretOf(call, scopeOf(call)))) },
    { method: 'PUT', path: `${secrets}/:name`, access: 'write', handle: (call) => putSecret(call, scopeOf(call)) },
    {
      method: 'DELETE',
      path: `${secrets}/:name`,
      access: 'write',
      handle: (call) => {
        store(call).secrets.remove(secretOf(call, scopeOf(call)));
        return noContent;
      },
    },
  ];
}

const repository = '/repos/:owner/:repo';
const environment = `${repository}/environments/:environment`;

export const actionRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: `${repository}/environments`,
    access: 'read',
    handle: (call) =>
      paged(call, call.forge.store.environments.list(call.repository.id), (one) => presentEnvironment(call, one), 'environments'),
  },
  { method: 'GET', path: environment, access: 'read', handle: (call) => ok(presentEnvironment(call, environmentOf(call))) },
  { method: 'PUT', path: environment, access: 'admin', handle: putEnvironment },
  {
    method: 'DELETE',
    path: environment,
    access: 'admin',
    handle: (call) => {
      call.forge.store.environments.remove(environmentOf(call));
      return noContent;
    },
  },
  ...scopedRoutes(`${repository}/actions/variables`, `${repository}/actions/secrets`, repositoryScope),
  ...scopedRoutes(`${environment}/variables`, `${environment}/secrets`, environmentScope),
];
