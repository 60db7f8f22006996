import { createClient, createConfig } from '@codex-k8s/contracts/staff/client';
import { createPinia } from 'pinia';
import { createWebHistory } from 'vue-router';
import { createConsole } from './app/create-console.ts';

const app = createConsole({
  history: createWebHistory('/'),
  pinia: createPinia(),
  loadTextEditors: async () => (await import('./cluster/monaco-editors.ts')).monacoEditors,
  api: {
    client: createClient(createConfig({ baseUrl: '/api/v1' })),
    openStream: (address) => new EventSource(address),
  },
});
app.mount('#app');
