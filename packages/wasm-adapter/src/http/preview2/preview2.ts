import type { WorkerOptions } from 'node:worker_threads';
import { WasmError } from '../../errors.js';
import { requestsFor } from '../../instance/component/outgoing-requests.js';
import { builtin } from '../../platform/builtin.js';
import { ownFile } from '../../platform/own-file.js';
import type { WasmSource } from '../../wasm-source.js';
import { createWasmWorkerPool } from '../../worker/pool/create-wasm-worker-pool.js';
import { move } from '../../worker/wire/move.js';
import type { ComponentRequest } from '../component-exchange.js';
import type { HttpComponentSettings } from '../http-options.js';
import type { PreviewPool } from '../preview-pool.js';
import { wholeBody } from '../request-body.js';
import { receiveOutput } from './output.js';
import { Serving } from './serving.js';
import type { HttpTasks, ThreadSettings } from './thread-main.js';

const what = 'a component for HTTP of preview 2';

/**
 * A component for wasi:http of preview 2. Where it waits, it blocks its thread, so each instance has
 * one. Bodies go there and come from there in chunks.
 */
export async function openPreview2(
  src: WasmSource,
  settings: HttpComponentSettings,
): Promise<PreviewPool> {
  const { wasi, module, config, keyvalue, onOutput, threads, pool: options } = settings;
  refuse(settings);
  const { MessageChannel, Worker } = builtin('node:worker_threads', what);
  const threadSettings: ThreadSettings = {
    args: wasi.args,
    env: wasi.env,
    preopens: wasi.preopens,
    config,
    hasKeyvalue: keyvalue !== undefined,
    module: module === undefined ? undefined : String(module),
  };
  // From `src`, where the tests are run, it is the built one too.
  const script = ownFile(
    (at) => at(new URL('../../../dist/http-thread.mjs', import.meta.url)),
    what,
  );
  const pool = await createWasmWorkerPool<HttpTasks>(src, {
    ...options,
    // An instance blocks its thread: more of them than threads would be lent, and wait for each other.
    max: threads === undefined ? options.max : Math.min(options.max || threads, threads),
    hosts: keyvalue === undefined ? {} : { keyvalue: keyvalue.operate },
    reset: options.reset ?? 'fresh', // as wasmtime has it: nobody meets what another left
    wasi: false,
    worker: (given: WorkerOptions) => {
      const output = onOutput && receiveOutput(onOutput);
      const workerData = { ...given.workerData, wasmPoolHttp: { ...threadSettings, output } };
      const transferList = [...(given.transferList ?? []), ...(output ? [output.port] : [])];
      return new Worker(script, { ...given, workerData, transferList });
    },
  });
  const mayAsk = wasi.network === true || wasi.http !== undefined;
  const outgoing = mayAsk ? requestsFor(wasi.http, `${options.name}: wasi.http`) : undefined;

  async function answer(request: ComponentRequest) {
    const whole = await wholeBody(request, settings);
    const { method, path, scheme, authority, headers } = request;
    const head = { method, path, scheme, authority, headers, body: whole };
    const { port1, port2 } = new MessageChannel();
    const bell = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const serving = new Serving(request, { ...settings, outgoing }, port1, bell);
    const work = pool.use(
      async (worker) => {
        serving.start(whole === undefined);
        const task = move({ head, port: port2, bell }, whole ? [port2, whole.buffer] : [port2]);
        const { signal } = serving.abort;
        const result = await worker.call('handle', [task], { signal, callTimeoutMillis: 0 });
        serving.finish(result);
      },
      { signal: request.signal, context: request.context },
    );
    work.catch((error) => serving.fail(error)).finally(() => serving.close());
    return serving.answer;
  }
  return { preview: 2, pool, answer };
}

/** Throws a `WasmError` `ERR_WASM_COMPONENT` for what an instance on a thread cannot have. */
function refuse({ imports, pool: { name } }: HttpComponentSettings): void {
  const refused = [
    [
      imports !== undefined,
      'imports are functions of this thread',
      'a module that exports imports',
    ],
  ] as const;
  const found = refused.find(([isRefused]) => isRefused);
  if (found === undefined) return;
  const message = `${name} is a component for HTTP of preview 2, whose instances are on threads: ${found[1]}; accepted: ${found[2]}`;
  throw new WasmError('ERR_WASM_COMPONENT', message);
}
