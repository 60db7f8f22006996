import { flowEventTypes } from '@codex-k8s/domain';
import { expect, test } from 'vitest';
import { russianPlural } from '../app/i18n.ts';
import { clusterEn } from './en-cluster.ts';
import { en } from './en.ts';
import { eventText } from './event-texts.ts';
import { clusterRu } from './ru-cluster.ts';
import { ru } from './ru.ts';

function texts(node: object, path = ''): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(node) as [string, unknown][]) {
    const name = path ? `${path}.${key}` : key;
    if (typeof value === 'string') found.set(name, value);
    else if (typeof value === 'object' && value) for (const [inner, text] of texts(value, name)) found.set(inner, text);
  }
  return found;
}
const english = texts({ ...en, ...clusterEn });
const russian = texts({ ...ru, ...clusterRu });
const sources = import.meta.glob<string>(['../**/*.vue', '../**/*.ts', '!../**/*.spec.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});
const names = (text: string | undefined): string[] =>
  [...new Set([...(text ?? '').matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? ''))].toSorted();

test('both languages have the same keys', () => {
  expect([...russian.keys()].toSorted()).toEqual([...english.keys()].toSorted());
});

test('no text is empty and every text names the same values in both languages', () => {
  const wrong = [...english].filter(([key, text]) => {
    const other = russian.get(key) ?? '';
    return text.trim() === '' || other.trim() === '' || names(other).join() !== names(text).join();
  });

  expect(wrong).toEqual([]);
});

test('a plural has every form its language needs', () => {
  const forms = (text = ''): number => text.split(' | ').length;
  const wrong = [...english].filter(([key, text]) => forms(text) > 1 && forms(russian.get(key)) !== forms(text) + 1);

  expect(wrong).toEqual([]);
});

test.for([
  [1, 0],
  [2, 1],
  [5, 2],
  [11, 2],
  [21, 0],
  [112, 2],
])('%i takes the Russian form %i', ([count, form]) => {
  expect(russianPlural(count ?? 0, 3)).toBe(form);
});

test('every text a component names exists', () => {
  const missing: string[] = [];
  for (const [file, source] of Object.entries(sources)) {
    for (const [, key] of source.matchAll(/\bt\(\s*'([\w.-]+)'/g)) if (key && !english.has(key)) missing.push(`${file}: ${key}`);
  }

  expect(missing).toEqual([]);
});

test('every event has its own words in both languages', () => {
  for (const type of flowEventTypes) {
    expect(eventText(type, 'en')).not.toBe(type);
    expect(eventText(type, 'ru')).not.toBe(eventText(type, 'en'));
  }
  expect(eventText('run.from_the_future', 'en')).toBe('run.from_the_future');
});

test('no component turns text into markup', () => {
  const markup = ['v-', 'html'].join('');
  expect(
    Object.keys(sources)
      .filter((file) => sources[file]?.includes(`${markup}=`) || sources[file]?.includes('innerHTML ='))
      .filter((file) => !file.includes('/testing/')),
  ).toEqual([]);
});
