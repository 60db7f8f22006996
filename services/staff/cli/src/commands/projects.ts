import { createProject, listProjects, listRepositories, type Project } from '@codex-k8s/contracts/staff';
import type { Command } from 'commander';
import { unwrap } from '../api.ts';
import { openSession, overApi, printJson, type ApiOptions, type Context } from '../context.ts';
import { resolveProject } from '../resolve-ids.ts';
import { oneLine, renderFacts, renderTable } from '../table.ts';
import { ago } from '../times.ts';

export function addProjects(program: Command, context: Context): void {
  const projects = program.command('projects').summary('projects and their settings').description('Projects: list, create, show.');
  overApi(projects.command('list'))
    .description('Projects you may see.')
    .action((options: ApiOptions) => list(context, options));
  overApi(projects.command('create <slug>'))
    .description('Creates a project. The slug has up to 40 of a-z, 0-9 and -.')
    .option('--name <name>', 'what people read (default: the slug)')
    .action((slug: string, options: ApiOptions & { name?: string }) => create(context, slug, options));
  overApi(projects.command('show <project>'))
    .description('One project with its repositories.')
    .action((project: string, options: ApiOptions) => show(context, project, options));
}

async function list(context: Context, options: ApiOptions): Promise<void> {
  const { client } = openSession(context, options);
  const page = await unwrap(listProjects({ client }));
  if (options.json === true) return printJson(context, page);
  const { terminal } = context;
  if (page.items.length === 0) return terminal.err('No projects.');
  const [head = '', ...lines] = renderTable(
    ['SLUG', 'NAME', 'ROLE', 'REPOSITORIES', 'ACTIVE RUNS', 'CREATED'],
    page.items.map((project) => [
      project.slug,
      project.name,
      project.role,
      String(project.repository_count ?? '-'),
      String(project.active_run_count ?? '-'),
      ago(project.created_at, context.now()),
    ]),
  );
  for (const line of [terminal.paint('dim', head), ...lines]) terminal.out(line);
}

async function create(context: Context, slug: string, { name = slug, ...options }: ApiOptions & { name?: string }): Promise<void> {
  const { client } = openSession(context, options);
  const project = await unwrap(createProject({ client, body: { slug, name } }));
  if (options.json === true) printJson(context, project);
  else context.terminal.out(`Project ${project.slug} created (${project.id}).`);
}

async function show(context: Context, text: string, options: ApiOptions): Promise<void> {
  const { client } = openSession(context, options);
  const project = await resolveProject(client, text);
  if (options.json === true) return printJson(context, project);
  const { items } = await unwrap(listRepositories({ client, path: { project_id: project.id } }));
  for (const line of renderProject(
    project,
    items.map(({ owner, name }) => `${owner}/${name}`),
  ))
    context.terminal.out(line);
}

function renderProject({ id, slug, name, role, settings, created_at: createdAt }: Project, repositories: readonly string[]): string[] {
  return renderFacts([
    ['Project', slug],
    ['Name', oneLine(name)],
    ['Id', id],
    ['Your role', role],
    ['Created', createdAt],
    ['Repositories', repositories.join(', ') || 'none'],
    ...Object.entries(settings).map(([key, value]) => [key.replaceAll('_', ' '), String(value)] as const),
  ]);
}
