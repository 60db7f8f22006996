import { useI18n } from 'vue-i18n';
import { clusterEn } from '../locales/en-cluster.ts';
import { clusterRu } from '../locales/ru-cluster.ts';

/** The words of these pages come with them, not with the first load. To be called by each page before its parts are drawn. */
export function useClusterTexts(): void {
  const { te, mergeLocaleMessage } = useI18n({ useScope: 'global' });
  if (te('cluster.text', 'en')) return;
  mergeLocaleMessage('en', clusterEn);
  mergeLocaleMessage('ru', clusterRu);
}
