import { readConfig } from './config.js';
import { openConsumer } from './consumer.js';

/** One worker process: `processes.ts` starts it, and is told how it does. */
const config = readConfig(process.env);
if (config.redisUrl === undefined) throw new Error('REDIS_URL is missing');

const consumer = await openConsumer({ ...config, redisUrl: config.redisUrl });
const tell = () => process.connected && process.send?.(consumer.report());
const telling = setInterval(tell, 250);
tell();

let closing = false;
async function close(): Promise<void> {
  if (closing) return;
  closing = true;
  clearInterval(telling);
  // No job runs for longer. What then still keeps it is a Redis that does not answer.
  setTimeout(() => process.exit(1), config.callMillis + 5_000).unref();
  await consumer.close();
  process.exit(0); // the connection of bullmq that waits for jobs is given up
}
process.on('SIGTERM', close).on('disconnect', close);
process.on('SIGINT', () => {}); // a terminal sends it to all processes; the first one sees to it
