// The trial agent, which first prints 100 MB when its prompt asks for it: as a CLI in a loop would, past all limits of its tools.
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

const prompt = await text(process.stdin);
if (prompt.includes('[print 100 MB]')) {
  const megabyte = `${'x'.repeat(1023)}\n`.repeat(1024);
  for (let printed = 0; printed < 100; printed += 1) {
    if (!process.stdout.write(megabyte)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}
Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(prompt)]) });
await import('../../services/dev/trial-agent/src/main.ts');
