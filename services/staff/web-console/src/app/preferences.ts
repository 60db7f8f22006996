import { defineStore } from 'pinia';
import { ref, watch } from 'vue';
import { locales, type Locale } from './i18n.ts';
import { themeChoices, type ThemeChoice } from './theme.ts';

function remembered<T extends string>(key: string, allowed: readonly T[]): T | undefined {
  try {
    const stored = localStorage.getItem(key);
    return allowed.find((value) => value === stored);
  } catch {
    return undefined; // storage may be forbidden by the browser: then nothing is remembered
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // see remembered()
  }
}

function browserLocale(): Locale {
  return navigator.language.toLowerCase().startsWith('ru') ? 'ru' : 'en';
}

/** What the server does not know: how this browser likes to see the console. */
export const usePreferences = defineStore('preferences', () => {
  const locale = ref<Locale>(remembered('codexk8s_locale', locales) ?? browserLocale());
  const theme = ref<ThemeChoice>(remembered('codexk8s_theme', themeChoices) ?? 'system');
  watch(locale, (value) => remember('codexk8s_locale', value), { flush: 'sync' });
  watch(theme, (value) => remember('codexk8s_theme', value), { flush: 'sync' });
  return { locale, theme };
});
