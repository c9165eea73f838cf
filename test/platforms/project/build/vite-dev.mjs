// Has the program loaded by Vite's server for development, as frameworks over it do.
import { createServer } from 'vite';

const server = await createServer({
  configFile: false,
  logLevel: 'warn',
  appType: 'custom',
  server: { middlewareMode: true, ws: false },
  optimizeDeps: { noDiscovery: true },
});
await server.ssrLoadModule('/node.mjs');
await server.close();
