import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { RouteLocationRaw } from 'vue-router';
import { ApiError } from './api.ts';

export interface Notice {
  readonly id: number;
  readonly kind: 'success' | 'error' | 'info';
  readonly text: string;
  readonly link?: { readonly text: string; readonly to: RouteLocationRaw };
}

/** Short messages about what the reader just did. */
export const useNotices = defineStore('notices', () => {
  const current = ref<Notice>();
  let lastId = 0;

  function show(notice: Omit<Notice, 'id'>): void {
    lastId += 1;
    current.value = { ...notice, id: lastId };
  }
  return {
    current,
    success: (text: string, link?: Notice['link']) => show({ kind: 'success', text, ...(link && { link }) }),
    info: (text: string) => show({ kind: 'info', text }),
    error: (error: unknown) => {
      const remedy = error instanceof ApiError && error.remedy ? ` ${error.remedy}` : '';
      show({ kind: 'error', text: `${error instanceof Error ? error.message : String(error)}${remedy}` });
    },
    clear: () => (current.value = undefined),
  };
});
