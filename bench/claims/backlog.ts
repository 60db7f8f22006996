/** Pending runs of many projects, more than the limits let through, and what must be true when everything that may be claimed is. */
import { seedSystemAgents, type Store } from '@codex-k8s/store';
import { query } from '../query.ts';

export const backlog = {
  projects: 100,
  /** Of a project, and of each role in it. */
  limits: { project: 10, roles: { dev: 8, km: 4 } },
  /** Pending runs per project and role: more than the role may have. */
  pending: { dev: 12, km: 6 },
} as const;

/** Whatever the order, every project ends with all its slots taken. */
export const claimable = backlog.projects * backlog.limits.project;

/** Replaces what an earlier round left. */
export async function fill(url: string, store: Store): Promise<void> {
  await query(url, 'truncate core.projects cascade');
  await seedSystemAgents(store.db, { program: 'trial', model: 'scripted' });
  await query(
    url,
    `insert into core.projects (slug, name, settings)
     select 'p-' || n, 'p-' || n, jsonb_build_object('max_parallel_runs', $2::int) from generate_series(1, $1::int) n`,
    [backlog.projects, backlog.limits.project],
  );
  await query(
    url,
    `insert into core.repositories (project_id, provider, external_id, owner, name, default_branch, html_url, clone_url, token_encrypted)
     select id, 'github', row_number() over (order by slug), 'acme', slug, 'main', 'url', 'url', '' from core.projects`,
  );
  for (const [role, pending] of Object.entries(backlog.pending)) {
    await query(
      url,
      `insert into core.agent_runs (correlation_id, project_id, repository_id, repository_full_name, agent_id, agent_key, program, model,
         reasoning_effort, run_kind, trigger_kind, triggered_by, issue_number, base_branch, branch, policy, created_at)
       select gen_random_uuid(), r.project_id, r.id, r.owner || '/' || r.name, a.id, a.agent_key, a.program, a.model,
         a.reasoning_effort, 'work', a.agent_key, 'bench', row_number() over (partition by r.id) + $3::int, 'main', 'branch',
         jsonb_build_object('max_parallel_runs', $4::int), now() - make_interval(secs => n)
       from core.repositories r, core.agents a, generate_series(1, $2::int) n where a.agent_key = $1`,
      [role, pending, role === 'dev' ? 0 : 1_000, backlog.limits.roles[role as keyof typeof backlog.pending]], // a key of it
    );
  }
  await query(url, 'vacuum analyze core.agent_runs, core.slots, core.projects');
}

/** A sentence about everything that is not as it must be; none when all is right. */
export async function problemsOf(url: string, claimed: readonly string[]): Promise<string[]> {
  const twice = claimed.length - new Set(claimed).size;
  const [found] = await query<Record<string, number>>(
    url,
    `with leased as (select * from core.agent_runs where lease_until > now())
     select (select count(*)::int from leased) as leased, (select count(*)::int from leased where attempt <> 1) as attempts,
       (select count(*)::int from (select from leased group by project_id having count(*) > $1) p) as projects,
       (select count(*)::int from (select from leased group by project_id, agent_key
          having count(*) > case agent_key when 'dev' then $2::int else $3::int end) r) as roles,
       (select count(*)::int from leased where not exists (select from core.slots s where s.run_id = leased.id and s.state = 'leased')) as slots`,
    [backlog.limits.project, backlog.limits.roles.dev, backlog.limits.roles.km],
  );
  return [
    ...(twice > 0 ? [`${twice} runs were claimed twice`] : []),
    ...(claimed.length === claimable ? [] : [`${claimed.length} runs were claimed, not ${claimable}`]),
    ...(found?.['leased'] === claimed.length ? [] : [`${found?.['leased']} runs have a lease, ${claimed.length} were claimed`]),
    ...Object.entries({
      attempts: 'runs have more than one attempt',
      projects: 'projects are over their limit',
      roles: 'roles are over their limit',
      slots: 'runs have no slot',
    }).flatMap(([name, what]) => (found?.[name] === 0 ? [] : [`${found?.[name]} ${what}`])),
  ];
}
