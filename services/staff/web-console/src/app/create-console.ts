import './reset.css';
import { VueQueryPlugin } from '@tanstack/vue-query';
import type { Pinia } from 'pinia';
import { createApp, type App as VueApp } from 'vue';
import type { RouterHistory } from 'vue-router';
import { textEditorsKey, type LoadTextEditors } from '../cluster/text-editors.ts';
import { apiKey, type Api } from './api.ts';
import App from './App.vue';
import { createMessages } from './i18n.ts';
import { usePreferences } from './preferences.ts';
import { createQueries } from './queries.ts';
import { createConsoleRouter } from './router.ts';
import { createTheme } from './theme.ts';
import './base.css';

export interface ConsoleParts {
  readonly history: RouterHistory;
  readonly pinia: Pinia;
  readonly api: Api;
  readonly loadTextEditors: LoadTextEditors;
  /** Tests switch repeated tries off. */
  readonly retries?: number;
}

export function createConsole({ history, pinia, api, loadTextEditors, retries }: ConsoleParts): VueApp {
  const app = createApp(App);
  app.use(pinia);
  const preferences = usePreferences(pinia);
  app.use(createMessages(preferences.locale));
  app.use(createTheme(preferences.theme));
  app.use(VueQueryPlugin, { queryClient: createQueries(retries) });
  app.use(createConsoleRouter(history));
  app.provide(apiKey, api);
  app.provide(textEditorsKey, loadTextEditors);
  return app;
}
