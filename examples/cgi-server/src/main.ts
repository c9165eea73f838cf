import { once } from 'node:events';
import { createApp } from './app.js';
import { readConfig } from './config.js';

try {
  const { host, port, ...rest } = readConfig(process.env);
  const { server, close } = await createApp({ host, port, ...rest });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  console.log(`cgi-server listens on http://${host}:${actual}`);
  const stop = () => {
    // The second signal finds no handler, and ends the process as ever.
    process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT');
    void close();
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
} catch (error) {
  console.error(`cgi-server: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
