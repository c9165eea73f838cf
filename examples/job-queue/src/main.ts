import { type Config, readConfig } from './config.js';
import { openJobQueue } from './open-job-queue.js';

async function main(config: Config): Promise<void> {
  const queue = await openJobQueue(config);
  const address = await queue.app.listen({ host: config.host, port: config.port });
  console.log(`job-queue listens on ${address}`);
  console.log(`try: curl -H 'content-type: application/json' -d '{}' ${address}/batches`);

  const stop = (signal: string) => {
    console.log(`${signal}: finishing what is running`);
    // The second signal finds no handler, and ends the process as ever.
    process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT');
    queue.close().catch(fail);
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
}

function fail(error: unknown): void {
  console.error(`job-queue: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

try {
  await main(readConfig(process.env));
} catch (error) {
  fail(error);
}
