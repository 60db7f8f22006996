import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** The built console; every path that is not a file is one of its pages. Hashed assets are cached for a year, the page itself never. */
export async function mountConsole(app: FastifyInstance, { folder }: { folder: string | undefined }): Promise<void> {
  if (folder === undefined || !existsSync(join(folder, 'index.html'))) {
    app.get('/', async (_request, reply) =>
      reply.type('text/plain; charset=utf-8').send('The console is not built. Run: npm run build -w services/staff/web-console\n'),
    );
    return;
  }
  await app.register(fastifyStatic, {
    root: folder,
    wildcard: false,
    cacheControl: false,
    setHeaders: (response, path) => {
      response.header('cache-control', path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  app.get('/*', async (_request, reply) => reply.header('cache-control', 'no-cache').sendFile('index.html'));
}
