import { createI18n } from 'vue-i18n';
import { en } from '../locales/en.ts';
import { ru } from '../locales/ru.ts';

export const locales = ['en', 'ru'] as const;
export type Locale = (typeof locales)[number];

/** Russian: 1 run, 2 runs, 5 runs; message order is `none | one | few | many` or `one | few | many`. */
export function russianPlural(count: number, forms: number): number {
  const offset = forms === 4 ? 1 : 0;
  if (forms === 4 && count === 0) return 0;
  const tens = count % 100;
  const ones = count % 10;
  if (ones === 1 && tens !== 11) return offset;
  if (ones >= 2 && ones <= 4 && (tens < 12 || tens > 14)) return offset + 1;
  return Math.min(offset + 2, forms - 1);
}

// Returned type is left to vue-i18n: it carries the messages' type.
// oxlint-disable-next-line typescript/explicit-module-boundary-types
export function createMessages(locale: Locale) {
  return createI18n({
    legacy: false,
    locale,
    fallbackLocale: 'en',
    messages: { en, ru },
    pluralRules: { ru: russianPlural },
    missingWarn: false,
    fallbackWarn: false,
  });
}
