import { EventEmitter } from 'node:events';
import { type JobsOptions, Queue, QueueEvents } from 'bullmq';
import type { Config } from './config.js';
import { connectionTo } from './connection.js';
import { QUEUE, type Rendered, type Tile } from './job.js';

/** A job of a batch that is over. */
export interface Outcome {
  /** Its place in the batch. */
  readonly index: number;
  readonly rendered?: Rendered;
  /** Why it failed, once it is not tried again. */
  readonly failed?: string;
}

/** A set of jobs that were submitted together. */
export interface Batch {
  readonly id: string;
  readonly tiles: readonly Tile[];
  /** Jobs that are over, by their place. */
  readonly outcomes: Map<number, Outcome>;
  /** Emits `outcome` for each job that is over. */
  readonly events: EventEmitter<{ outcome: [outcome: Outcome] }>;
}

/** Batches of this server that can be asked about; older ones are forgotten. */
const MOST_BATCHES = 20;

/** `ERR_QUEUE_FULL`: so many jobs wait that no more are taken for now. */
export class QueueFullError extends Error {
  readonly code = 'ERR_QUEUE_FULL';
  readonly statusCode = 503;
  readonly headers = { 'retry-after': '5' };
}

/** Submits batches to the queue, and follows what becomes of their jobs. */
export class Batches {
  readonly #config: Config;
  readonly #queue: Queue<Tile, Rendered>;
  readonly #events: QueueEvents;
  readonly #batches = new Map<string, Batch>();
  readonly #prefix = Date.now().toString(36);
  #count = 0;

  constructor(config: Config, redisUrl: string) {
    this.#config = config;
    this.#queue = new Queue(QUEUE, { connection: connectionTo(redisUrl) });
    this.#events = new QueueEvents(QUEUE, { connection: connectionTo(redisUrl) });
    this.#queue.on('error', ignore);
    this.#events.on('error', ignore);
    this.#events.on('completed', ({ jobId, returnvalue }) => {
      // bullmq declares a string, and gives what the worker returned.
      this.#settle(jobId, { rendered: returnvalue as unknown as Rendered });
    });
    this.#events.on('failed', ({ jobId, failedReason }) => {
      this.#settle(jobId, { failed: failedReason });
    });
  }

  /** Resolves once the queue and its events can be used. */
  async ready(): Promise<void> {
    await Promise.all([this.#queue.waitUntilReady(), this.#events.waitUntilReady()]);
  }

  /**
   * Puts a job for each tile into the queue; those of priority 1 go before those of 2. Rejects with a
   * `QueueFullError` where too many wait already.
   */
  async submit(tiles: readonly Tile[], priority: number): Promise<Batch> {
    const counts = await this.#queue.getJobCounts('waiting', 'prioritized', 'delayed');
    const waiting = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const { maxWaiting, attempts } = this.#config;
    if (waiting + tiles.length > maxWaiting) {
      throw new QueueFullError(`${waiting} jobs wait; accepted: ${maxWaiting} at most`);
    }
    const id = `${this.#prefix}-${++this.#count}`;
    const batch: Batch = { id, tiles, outcomes: new Map(), events: new EventEmitter() };
    batch.events.setMaxListeners(0);
    this.#batches.set(id, batch);
    for (const oldest of this.#batches.keys()) {
      if (this.#batches.size <= MOST_BATCHES) break;
      this.#batches.delete(oldest);
    }
    const options: JobsOptions = {
      attempts,
      backoff: { type: 'fixed', delay: 50 },
      priority,
      removeOnComplete: { count: 10_000 },
      removeOnFail: { count: 10_000 },
    };
    await this.#queue.addBulk(
      tiles.map((tile, index) => ({
        name: 'render',
        data: tile,
        opts: { ...options, jobId: `${id}-${index}` },
      })),
    );
    return batch;
  }

  /** A batch that was submitted here, unless it is forgotten. */
  get(id: string): Batch | undefined {
    return this.#batches.get(id);
  }

  /** How many jobs wait, run, and are over. */
  counts(): Promise<Record<string, number>> {
    const kinds = ['prioritized', 'waiting', 'delayed', 'active', 'completed', 'failed'] as const;
    return this.#queue.getJobCounts(...kinds);
  }

  #settle(jobId: string, outcome: Omit<Outcome, 'index'>): void {
    const at = jobId.lastIndexOf('-');
    const batch = this.#batches.get(jobId.slice(0, at));
    const index = Number(jobId.slice(at + 1));
    if (batch === undefined || batch.outcomes.has(index)) return;
    const settled = { index, ...outcome };
    batch.outcomes.set(index, settled);
    batch.events.emit('outcome', settled);
  }

  async close(): Promise<void> {
    await this.#events.close();
    await this.#queue.close();
  }
}

/** Connections are made anew by themselves; a request that fails for want of one says so itself. */
function ignore(): void {}
