import { runExample } from 'example-shared';
import { createApp } from './app.js';
import { readConfig } from './config.js';

await runExample(
  'component-server',
  async () => {
    const app = await createApp(readConfig(process.argv.slice(2), process.env));
    const address = await app.listen();
    const hints = [`try: curl '${address}/primes?below=1000000'`];
    return { address, close: () => app.close(), hints };
  },
  { exit: true }, // what a component has left undone is no reason to stay
);
