import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fencedBlocks } from './fenced-blocks.ts';

const line = fc.constantFrom(
  '',
  'x',
  '  two',
  '`',
  '``',
  '~~~~',
  '> q',
  '- item',
  '# head',
  '</untrusted-1>',
  'EOF',
  "it's",
  '"$HOME"',
  '<div>',
  'é',
);

test('content is kept byte for byte, whatever it holds', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          line,
          fc.string().map((text) => text.replaceAll(/[\r\n\0]/g, '')),
        ),
      ),
      fc.constantFrom('`', '~'),
      (lines, mark) => {
        const longest = Math.max(2, ...lines.map((text) => (/^[ ]{0,3}([`~]+)/.exec(text)?.[1] ?? '').length));
        const fence = mark.repeat(longest + 1);
        const content = lines.map((text) => `${text}\n`).join('');

        expect(fencedBlocks(`Intro\n\n${fence}file path=a.txt\n${content}${fence}\n\nend`)).toEqual([{ info: 'file path=a.txt', content }]);
      },
    ),
  );
});

test('blocks inside quotes and lists are found with their own indentation removed', () => {
  const inQuote = ['> text', '> ```sh', '> \techo 1', '>   two', '> ```'];
  const inItem = ['1. First', '', '   ~~~~ file path="a b.txt"', '     deep', '\tall: x', '   ~~~~', '2. ```', '   y', '   ```'];

  expect(fencedBlocks([...inQuote, '', ...inItem].join('\n'))).toEqual([
    { info: 'sh', content: '\techo 1\n  two\n' },
    { info: 'file path="a b.txt"', content: '  deep\n all: x\n' },
    { info: '', content: 'y\n' },
  ]);
});

test('tabs survive, CRLF becomes LF, an unclosed block runs to the end', () => {
  expect(fencedBlocks('```make\r\nall:\r\n\techo\r\n')).toEqual([{ info: 'make', content: 'all:\n\techo\n' }]);
});

test('what a reader does not see as a block is none', () => {
  expect(fencedBlocks('<!--\n```sh\nrm -rf x\n```\n-->\n\n    ```\n    code\n\n``` `a` ```\n')).toEqual([]);
});

test('blocks are found at any depth of quotes and items', () => {
  fc.assert(
    fc.property(fc.array(node, { maxLength: 4 }), (nodes) => {
      expect(fencedBlocks(rendered(nodes).join('\n'))).toEqual(nodes.flatMap(blocksOf));
    }),
  );
});

type Node = { text: string } | { info: string; lines: string[] } | { quote: Node[] } | { mark: string; item: Node[] };

const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ text: fc.constantFrom('words', '# head', '---', 'a `b` c') }),
    fc.record({
      info: fc.constantFrom('sh', 'file path=x', ''),
      lines: fc.array(fc.constantFrom('', 'a', '  b', '``', '> c', '- d', '#'), { maxLength: 3 }),
    }),
    fc.record({ quote: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ mark: fc.constantFrom('- ', '* ', '1. ', '10. ', '-   '), item: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }),
  ),
}));

/** Markdown lines; a comment between two blocks ends a list, so that items of equal marks stay apart. */
function rendered(nodes: readonly Node[]): string[] {
  return nodes.flatMap((node) => {
    if ('text' in node) return ['', node.text, ''];
    if ('lines' in node) return ['', `\`\`\`${node.info}`, ...node.lines, '```', ''];
    if ('quote' in node) return ['', ...rendered(node.quote).map((text) => `> ${text}`), ''];
    const [first, ...others] = ['words', ...rendered(node.item)];
    return ['', node.mark + first, ...others.map((text) => (text === '' ? '' : ' '.repeat(node.mark.length) + text)), '', '<!-- -->', ''];
  });
}

function blocksOf(node: Node): { info: string; content: string }[] {
  if ('lines' in node) return [{ info: node.info, content: node.lines.map((text) => `${text}\n`).join('') }];
  if ('quote' in node) return node.quote.flatMap(blocksOf);
  return 'item' in node ? node.item.flatMap(blocksOf) : [];
}
