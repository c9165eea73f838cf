import { runExample } from 'example-shared';
import { createApp } from './app.js';
import { readConfig } from './config.js';

await runExample('sandbox-server', async () => {
  const { host, port, ...config } = readConfig(process.env);
  const app = await createApp({ host, port, ...config });
  const address = await app.listen({ host, port });
  const hint = `try: curl -H 'content-type: text/plain' -d '[1, 2, 3].map((n) => n * n)' ${address}/run`;
  return { address, close: () => app.close(), hints: [hint] };
});
