import { runExample } from 'example-shared';
import { readConfig } from './config.js';
import { openJobQueue } from './open-job-queue.js';

await runExample(
  'job-queue',
  async () => {
    const config = readConfig(process.env);
    const { app, close } = await openJobQueue(config);
    const address = await app.listen({ host: config.host, port: config.port });
    const hint = `try: curl -H 'content-type: application/json' -d '{}' ${address}/batches`;
    return { address, close, hints: [hint] };
  },
  { timeoutMillis: 0 },
); // a job may take as long as CALL_MILLIS says
