import { createApp } from './app.js';
import { type Config, readConfig } from './config.js';

async function main(config: Config): Promise<void> {
  const app = await createApp(config);
  const address = await app.listen();
  console.log(`component-server listens on ${address}`);
  console.log(`try: curl '${address}/primes?below=1000000'`);

  const stop = (signal: string) => {
    console.log(`${signal}: finishing what is running`);
    // The second signal finds no handler, and ends the process as ever.
    process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT');
    // What a component has left undone is no reason to stay.
    app.close().then(() => process.exit(0), fail);
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
}

function fail(error: unknown): void {
  console.error(`component-server: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

try {
  await main(readConfig(process.argv.slice(2), process.env));
} catch (error) {
  fail(error);
}
