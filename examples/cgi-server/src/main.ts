import { once } from 'node:events';
import { runExample } from 'example-shared';
import { createApp } from './app.js';
import { readConfig } from './config.js';

await runExample('cgi-server', async () => {
  const config = readConfig(process.env);
  const { server, close } = await createApp(config);
  server.listen(config.port, config.host);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : config.port;
  return { address: `http://${config.host}:${port}`, close };
});
