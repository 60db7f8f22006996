import { addRepository, listRepositories, removeRepository } from '@codex-k8s/contracts/staff';
import type { Command } from 'commander';
import { unwrap } from '../api.ts';
import { usageError } from '../cli-error.ts';
import { openSession, overApi, printJson, type ApiOptions, type Context } from '../context.ts';
import { resolveProject, resolveRepository } from '../resolve-ids.ts';
import { renderTable } from '../table.ts';

interface RepoOptions extends ApiOptions {
  readonly project?: string;
}

interface AddOptions extends RepoOptions {
  readonly servicesYaml?: string;
}

export function addRepos(program: Command, context: Context): void {
  const repos = program.command('repos').summary('repositories of a project').description('Repositories: list, add, remove.');
  const project = ['-p, --project <slug>', 'the project (default: the only one)'] as const;
  overApi(repos.command('list'))
    .description('Repositories of a project.')
    .option(...project)
    .action((options: RepoOptions) => list(context, options));
  overApi(repos.command('add <owner/name>'))
    .description(
      'Binds a repository, or stores a new token for it. The token is read from CODEXK8S_REPO_TOKEN or standard input, never from an\n' +
        'argument: other users of this machine can see arguments. Example: codexk8s repos add acme/shop < token.txt',
    )
    .option(...project)
    .option('--services-yaml <path>', 'where the repository describes its services')
    .action((name: string, options: AddOptions) => add(context, name, options));
  overApi(repos.command('remove <repository>'))
    .description('Unbinds a repository and removes its webhook.')
    .option(...project)
    .action((name: string, options: RepoOptions) => remove(context, name, options));
}

async function list(context: Context, options: RepoOptions): Promise<void> {
  const { client } = openSession(context, options);
  const project = await resolveProject(client, options.project);
  const page = await unwrap(listRepositories({ client, path: { project_id: project.id } }));
  if (options.json === true) return printJson(context, page);
  const { terminal } = context;
  if (page.items.length === 0) return terminal.err('No repositories.');
  const [head = '', ...lines] = renderTable(
    ['REPOSITORY', 'BRANCH', 'SERVICES', 'ADDRESS'],
    page.items.map((item) => [`${item.owner}/${item.name}`, item.default_branch ?? '-', item.services_yaml_path, item.html_url]),
  );
  for (const line of [terminal.paint('dim', head), ...lines]) terminal.out(line);
}

async function add(context: Context, fullName: string, options: AddOptions): Promise<void> {
  const [owner, name, ...rest] = fullName.split('/');
  if (!owner || !name || rest.length > 0) throw usageError(`${JSON.stringify(fullName)} is not owner/name.`);
  const { client } = openSession(context, options);
  const project = await resolveProject(client, options.project);
  const repository = await unwrap(
    addRepository({
      client,
      path: { project_id: project.id },
      body: {
        provider: 'github',
        owner,
        name,
        token: await readToken(context),
        ...(options.servicesYaml !== undefined && { services_yaml_path: options.servicesYaml }),
      },
    }),
  );
  if (options.json === true) printJson(context, repository);
  else context.terminal.out(`Repository ${repository.owner}/${repository.name} is bound to project ${project.slug}.`);
}

async function readToken({ environment, terminal, readInput }: Context): Promise<string> {
  const given = environment['CODEXK8S_REPO_TOKEN'];
  if (given !== undefined) return given;
  if (terminal.isInteractive)
    terminal.err('Paste the token, then Enter and Ctrl-D. It is shown while you paste; a file is better: … < token.txt');
  const token = (await readInput()).trim();
  if (token === '') throw usageError('No token was given.', 'Set CODEXK8S_REPO_TOKEN or pass it on standard input.');
  return token;
}

async function remove(context: Context, text: string, options: RepoOptions): Promise<void> {
  const { client } = openSession(context, options);
  const project = await resolveProject(client, options.project);
  const repository = await resolveRepository(client, project, text);
  await unwrap(removeRepository({ client, path: { project_id: project.id, repository_id: repository.id } }));
  if (options.json === true) printJson(context, { removed: repository.id });
  else context.terminal.out(`Repository ${repository.owner}/${repository.name} is unbound.`);
}
