import type { LocationQuery, LocationQueryRaw } from 'vue-router';
import type { RunFilters } from './run-queries.ts';
import { isRunStatus } from './run-status.ts';

function one(value: LocationQuery[string] | undefined): string | undefined {
  const first = Array.isArray(value) ? value[0] : value;
  return first === null || first === '' ? undefined : first;
}

/** The list's filters live in the address, so a link shows what its sender saw. */
export function filtersOf(query: LocationQuery): RunFilters {
  const statuses = [query['status'] ?? []].flat().filter(isRunStatus);
  const issue = Number(one(query['issue']));
  return {
    statuses,
    projectId: one(query['project']),
    agentKey: one(query['agent']),
    issueNumber: Number.isInteger(issue) && issue > 0 ? issue : undefined,
    text: one(query['q'])?.slice(0, 200),
  };
}

export function queryOf({ statuses, projectId, agentKey, issueNumber, text }: RunFilters): LocationQueryRaw {
  return {
    ...(statuses.length > 0 && { status: [...statuses] }),
    ...(projectId && { project: projectId }),
    ...(agentKey && { agent: agentKey }),
    ...(issueNumber && { issue: String(issueNumber) }),
    ...(text && { q: text }),
  };
}

export function isFiltered({ statuses, projectId, agentKey, issueNumber, text }: RunFilters): boolean {
  return statuses.length > 0 || [projectId, agentKey, issueNumber, text].some((value) => value !== undefined);
}
