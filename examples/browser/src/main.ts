import { once } from 'node:events';
import { closerOf } from '@wasm-pool/core/service';
import { runExample } from 'example-shared';
import { readConfig } from './config.js';
import { createFileServer } from './file-server.js';

await runExample('browser', async () => {
  const { host, port, isolated } = readConfig(process.env);
  const server = createFileServer(isolated);
  const close = closerOf(server);
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  const listens = typeof address === 'object' && address !== null ? address.port : port;
  return { address: `http://${host}:${listens}`, close };
});
