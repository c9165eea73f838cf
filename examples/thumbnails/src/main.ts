import { runExample } from 'example-shared';
import { createApp } from './app.js';
import { readConfig } from './config.js';

await runExample('thumbnails', async () => {
  const config = readConfig(process.env);
  const app = await createApp(config);
  const address = await app.listen({ host: config.host, port: config.port });
  return { address, close: () => app.close(), hints: [`try: curl -X POST ${address}/measure`] };
});
