import NotFoundPage from './NotFoundPage.vue';
import { createRouter, type Router, type RouteRecordRaw, type RouterHistory } from 'vue-router';

const routes: RouteRecordRaw[] = [
  { path: '/', redirect: '/runs' },
  { path: '/runs', name: 'runs', component: async () => import('../runs/RunsPage.vue'), meta: { title: 'nav.runs' } },
  { path: '/runs/:runId', name: 'run', component: async () => import('../runs/RunPage.vue'), props: true, meta: { title: 'run.title' } },
  {
    path: '/approvals',
    name: 'approvals',
    component: async () => import('../approvals/ApprovalsPage.vue'),
    meta: { title: 'nav.approvals' },
  },
  { path: '/projects', name: 'projects', component: async () => import('../projects/ProjectsPage.vue'), meta: { title: 'nav.projects' } },
  {
    path: '/projects/:projectId/:tab(repositories|issues|members|settings)?',
    name: 'project',
    component: async () => import('../projects/ProjectPage.vue'),
    props: true,
    meta: { title: 'project.title' },
  },
  {
    path: '/users',
    name: 'users',
    component: async () => import('../users/UsersPage.vue'),
    meta: { title: 'nav.users', platformAdmin: true },
  },
  { path: '/admin', name: 'cluster', redirect: '/admin/namespaces' },
  {
    path: '/admin/:kind',
    name: 'cluster-kind',
    component: async () => import('../cluster/ClusterPage.vue'),
    props: true,
    meta: { title: 'nav.cluster', platformAdmin: true },
  },
  {
    path: '/admin/:kind/:name',
    name: 'cluster-object',
    component: async () => import('../cluster/ClusterPage.vue'),
    props: true,
    meta: { title: 'nav.cluster', platformAdmin: true },
  },
  {
    path: '/configuration/agents',
    name: 'agents',
    component: async () => import('../agents/AgentsPage.vue'),
    meta: { title: 'nav.agents' },
  },
  { path: '/:rest(.*)*', name: 'not-found', component: NotFoundPage, meta: { title: 'app.notFound.title' } },
];

export function createConsoleRouter(history: RouterHistory): Router {
  return createRouter({
    history,
    routes,
    scrollBehavior: (to, from, saved) => {
      if (saved) return saved;
      return to.path === from.path ? false : { top: 0 };
    },
  });
}
