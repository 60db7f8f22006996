import { expect, test } from 'vitest';
import { listMigrations } from './migrate.ts';

/** What the release before never notices. An index or a trigger that goes costs it nothing; a column, a table or a type would. */
const harmless = [
  /^create index /,
  /^drop (index|trigger) /,
  /^create (schema|extension|table|trigger|type|view|(or replace )?function) /,
  /^alter table \S+ add column (?!.* not null(?!.* default ))/, // its inserts do not name it
  /^alter table \S+ set \(/,
  /^comment on /,
  /^insert into /,
];

/** Without comments, and with what stands between quotes or dollars taken out. */
function statementsOf(text: string): string[] {
  const plain = text.replaceAll(/--.*$/gm, '').replaceAll(/\$(\w*)\$[\s\S]*?\$\1\$|'(?:[^']|'')*'/g, "''");
  return plain
    .split(';')
    .map((statement) => statement.trim().replaceAll(/\s+/g, ' ').toLowerCase())
    .filter((statement) => statement !== '');
}

function notHarmless(text: string): string[] {
  const statements = statementsOf(text);
  const made = statements.flatMap((statement) => /^create table (?:if not exists )?(\S+)/.exec(statement)?.[1] ?? []);
  return statements.filter((statement) => {
    const restricted = /^create unique index \S+ on (\S+)/.exec(statement)?.[1]; // of a table of before it may refuse what the release before writes
    return restricted === undefined ? !harmless.some((known) => known.test(statement)) : !made.includes(restricted);
  });
}

test.each(listMigrations())('$name only adds, so that the release before works with what it leaves', ({ text }) => {
  expect(statementsOf(text).length).toBeGreaterThan(0);
  expect(notHarmless(text)).toEqual([]);
});

test.each([
  'drop table core.slots',
  'alter table core.slots drop column fence',
  'alter table core.slots rename column fence to guard',
  'alter table core.slots alter column fence set not null',
  'alter table core.slots add column kind text not null',
  'delete from core.slots',
  'create unique index y on core.slots (fence)',
])('a migration with "%s" would be found', (statement) => {
  expect(notHarmless(`create index x on core.slots (fence); ${statement};`)).toEqual([statement]);
});
