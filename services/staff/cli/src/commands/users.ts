import { createUser, deleteUser, listUsers } from '@codex-k8s/contracts/staff';
import type { Command } from 'commander';
import { unwrap } from '../api.ts';
import { openSession, overApi, printJson, type ApiOptions, type Context } from '../context.ts';
import { resolveUser } from '../resolve-ids.ts';
import { renderTable } from '../table.ts';
import { ago } from '../times.ts';

export function addUsers(program: Command, context: Context): void {
  const users = program.command('users').summary('who may sign in').description('People who may sign in: list, add, remove.');
  overApi(users.command('list'))
    .description('People by e-mail.')
    .action((options: ApiOptions) => list(context, options));
  overApi(users.command('add <email>'))
    .description('Allows an e-mail to sign in.')
    .option('--platform-admin', 'may administer the installation')
    .action((email: string, options: ApiOptions & { platformAdmin?: boolean }) => add(context, email, options));
  overApi(users.command('remove <email>'))
    .description("Withdraws a person's access.")
    .action((email: string, options: ApiOptions) => remove(context, email, options));
}

async function list(context: Context, options: ApiOptions): Promise<void> {
  const { client } = openSession(context, options);
  const page = await unwrap(listUsers({ client }));
  if (options.json === true) return printJson(context, page);
  const [head = '', ...lines] = renderTable(
    ['E-MAIL', 'GITHUB', 'RIGHTS', 'ADDED'],
    page.items.map((user) => [user.email, user.github_login ?? '-', rightsOf(user), ago(user.created_at, context.now())]),
  );
  for (const line of [context.terminal.paint('dim', head), ...lines]) context.terminal.out(line);
}

function rightsOf({
  is_platform_owner: isOwner,
  is_platform_admin: isAdmin,
}: {
  is_platform_owner: boolean;
  is_platform_admin: boolean;
}): string {
  if (isOwner) return 'platform owner';
  return isAdmin ? 'platform admin' : 'by project';
}

async function add(
  context: Context,
  email: string,
  { platformAdmin = false, ...options }: ApiOptions & { platformAdmin?: boolean },
): Promise<void> {
  const { client } = openSession(context, options);
  const user = await unwrap(createUser({ client, body: { email, is_platform_admin: platformAdmin } }));
  if (options.json === true) printJson(context, user);
  else context.terminal.out(`${user.email} may sign in.`);
}

async function remove(context: Context, text: string, options: ApiOptions): Promise<void> {
  const { client } = openSession(context, options);
  const user = await resolveUser(client, text);
  await unwrap(deleteUser({ client, path: { user_id: user.id } }));
  if (options.json === true) printJson(context, { removed: user.id });
  else context.terminal.out(`${user.email} may not sign in any more.`);
}
