/** The peer: Probot as its documentation embeds it, with a handler that stores nothing. It prints its port when it listens. */
import { createServer } from 'node:http';
import { createNodeMiddleware, createProbot, type Probot } from 'probot';

const app = (probot: Probot): void => {
  probot.on('issues.labeled', () => undefined);
};
const middleware = await createNodeMiddleware(app, {
  probot: createProbot({ overrides: { secret: process.env['WEBHOOK_SECRET'], githubToken: 'unused' } }),
  webhooksPath: '/api/github/webhooks',
});
const server = createServer((request, response) => {
  void middleware(request, response, () => response.writeHead(404).end());
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(typeof address === 'object' && address ? address.port : 0);
});
