import { expect, test } from 'vitest';
import { errorCodes } from './error-codes.ts';
import { errorTextsRu } from './error-texts-ru.ts';

test('the Russian table has every code of the English one and no other', () => {
  expect(Object.keys(errorTextsRu).toSorted()).toEqual(Object.keys(errorCodes).toSorted());
});

test('every Russian text is Russian and ends its sentence', () => {
  const wrong = Object.entries(errorTextsRu).flatMap(([code, { cause, remedy }]) =>
    [cause, remedy].every((text) => /[а-яё]/i.test(text) && text.endsWith('.')) ? [] : [code],
  );

  expect(wrong).toEqual([]);
});

test('every Russian text names the variables, headers and options that the English one names', () => {
  const named = (texts: { cause: string; remedy: string }): string[] =>
    [...`${texts.cause} ${texts.remedy}`.matchAll(/CODEXK8S_\w+(?:=\w+)?|Retry-After|--[a-z-]+|\/readyz|application\/json|\d+/g)].map(
      ([name]) => name,
    );
  const wrong = Object.entries(errorCodes).flatMap(([code, english]) => {
    const russian = errorTextsRu[code as keyof typeof errorTextsRu]; // its own table's key
    return named(english).join() === named(russian).join() ? [] : [code];
  });

  expect(wrong).toEqual([]);
});
