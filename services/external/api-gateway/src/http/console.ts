import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/**
 * The built console; every path that is not a file is one of its pages. Hashed assets are cached for a year, the page itself never. Files
 * are looked up at each request, so the trial may build the console while the platform starts.
 */
export async function mountConsole(app: FastifyInstance, { folder }: { folder: string | undefined }): Promise<void> {
  if (folder === undefined) {
    app.get('/', async (_request, reply) => reply.type('text/plain; charset=utf-8').send(notBuilt));
    return;
  }
  await app.register(fastifyStatic, {
    root: folder,
    serve: false,
    suppressWarning: true,
    cacheControl: false,
    setHeaders: (response, path) => {
      response.header('cache-control', path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  app.get<{ Params: { '*': string } }>('/*', async (request, reply) => {
    const path = request.params['*'];
    if (isFile(join(folder, path))) return reply.sendFile(path); // refuses what leads out of the folder
    if (path.startsWith('assets/')) return reply.callNotFound(); // a page in place of a script would be a riddle
    if (!existsSync(join(folder, 'index.html'))) return reply.type('text/plain; charset=utf-8').send(notBuilt);
    return reply.sendFile('index.html');
  });
}

const notBuilt = 'The console is not built. Run: npm run build -w services/staff/web-console\n';

function isFile(path: string): boolean {
  return !path.includes('\0') && (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false);
}
