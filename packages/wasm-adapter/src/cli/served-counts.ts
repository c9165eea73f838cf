import type { HttpComponent } from '../http/http-component.js';
import { MetricsText } from './metrics-text.js';

/** The answer to a request of the operator. */
export interface OwnAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const MILLIS_PER_SECOND = 1000;

/** Counts the requests that a component was asked, and answers `/healthz` and `/metrics`. */
export class ServedCounts {
  readonly #app: HttpComponent;
  readonly #byStatus = new Map<number, number>();
  #seconds = 0;
  #cannotCreate = false;

  constructor(app: HttpComponent) {
    this.#app = app;
    app.pool.on('create', () => {
      this.#cannotCreate = false;
    });
    app.pool.on('factoryCreateError', () => {
      this.#cannotCreate = true;
    });
  }

  add(status: number, millis: number): void {
    this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1);
    this.#seconds += millis / MILLIS_PER_SECOND;
  }

  /** undefined: the request is the component's. */
  answerTo(method: string, url: string): OwnAnswer | undefined {
    const [path] = url.split('?');
    if (method !== 'GET' && method !== 'HEAD') return undefined;
    if (path === '/healthz') {
      const body = this.#cannotCreate ? 'instances cannot be created\n' : 'ok\n';
      return { status: this.#cannotCreate ? 503 : 200, type: 'text/plain', body };
    }
    if (path !== '/metrics') return undefined;
    return { status: 200, type: 'text/plain; version=0.0.4', body: this.#metrics() };
  }

  #metrics(): string {
    const stats = this.#app.stats();
    const requests = [...this.#byStatus].map(([status, count]) => [count, { status }] as const);
    const total = requests.reduce((sum, [count]) => sum + count, 0);
    const destroyed = Object.entries(stats.destroyedBy);
    return new MetricsText()
      .add('wasm_pool_http_requests_total', 'counter', 'Requests by status.', requests)
      .add('wasm_pool_http_request_seconds_sum', 'counter', 'Their time.', [[this.#seconds]])
      .add('wasm_pool_http_request_seconds_count', 'counter', 'Their number.', [[total]])
      .add('wasm_pool_instances', 'gauge', 'Instances by what they do.', [
        [stats.available, { state: 'idle' }],
        [stats.borrowed, { state: 'borrowed' }],
        [stats.creating, { state: 'creating' }],
      ])
      .add('wasm_pool_instances_max', 'gauge', 'The most instances.', [[stats.max]])
      .add('wasm_pool_waiting', 'gauge', 'Requests that wait for an instance.', [[stats.pending]])
      .add('wasm_pool_waits_total', 'counter', 'Requests that had to wait.', [[stats.waits.count]])
      .add('wasm_pool_wait_seconds_total', 'counter', 'How long they waited.', [
        [stats.waits.totalMillis / MILLIS_PER_SECOND],
      ])
      .add('wasm_pool_timeouts_total', 'counter', 'Waits that took too long.', [[stats.timeouts]])
      .add('wasm_pool_refused_total', 'counter', 'Requests refused at once.', [[stats.refused]])
      .add('wasm_pool_created_total', 'counter', 'Instances created.', [[stats.created]])
      .add('wasm_pool_create_errors_total', 'counter', 'Failed creations.', [[stats.createErrors]])
      .add(
        'wasm_pool_destroyed_total',
        'counter',
        'Instances destroyed, by reason.',
        destroyed.map(([reason, count]) => [count, { reason }] as const),
      )
      .toString();
  }
}
