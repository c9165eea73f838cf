import { importPeer } from '../../component/jco.js';
import { WasmError } from '../../errors.js';
import type { WasmImports } from '../../instance/link.js';
import type { WasmInstance } from '../../instance/wasm-instance.js';
import { writeStandard } from '../../platform/standard-streams.js';
import { createWasmPool } from '../../pool/create-wasm-pool.js';
import type { WasmSource } from '../../wasm-source.js';
import { ByteQueue } from '../byte-queue.js';
import type { Chunks, ComponentAnswer, ComponentRequest } from '../component-exchange.js';
import type { HeaderList } from '../headers.js';
import { checkStatus, HttpError } from '../http-error.js';
import type { HttpComponentSettings } from '../http-options.js';
import { configInterfaces } from '../interfaces/config.js';
import { keyvalueInterfaces } from '../interfaces/keyvalue.js';
import { loggingInterfaces } from '../interfaces/logging.js';
import type { PreviewPool } from '../preview-pool.js';
import { limited, wholeBody } from '../request-body.js';
import { Stopwatch } from '../stopwatch.js';
import { SharedLoans } from './shared-loans.js';
import {
  methodOf,
  type Shim,
  type ShimRequest,
  type ShimResponse,
  schemeOf,
  type TrailersResult,
} from './shim.js';

/** The world wasi:http/service@0.3, as jco gives it. */
interface Service {
  readonly handler: { handle(request: ShimRequest): Promise<ShimResponse> };
}

const SHIM = '@bytecodealliance/preview3-shim';

/** How much of an answer is read before its client has taken the first of it, in chunks. */
const AHEAD_BYTES = 2 ** 18;

/**
 * A component for wasi:http of preview 3. Its instances are on this thread: one that waits suspends its
 * call, and others go on. An instance is lent until its answer's body has been read.
 */
export async function openPreview3(
  src: WasmSource,
  settings: HttpComponentSettings,
): Promise<PreviewPool> {
  const { wasi, imports, module, threads, requestsPerInstance, pool: options } = settings;
  if (module !== undefined) {
    const message = `${options.name} is a component for HTTP of preview 3, whose instances are on this thread, and module is for those on others; accepted: imports`;
    throw new WasmError('ERR_WASM_COMPONENT', message);
  }
  if (threads !== undefined) {
    const message = `${options.name} is a component for HTTP of preview 3, whose instances are on this thread, and threads is ${threads}; accepted: max`;
    throw new WasmError('ERR_WASM_COMPONENT', message);
  }
  const shim = await importPeer<Shim>(SHIM, SHIM, options.name);
  const pool = await createWasmPool<Service>(src, {
    ...options,
    wasi: ({ name }) => ({ ...wasi, ...outputOf(name, settings) }),
    imports: async (instance) => {
      const given = typeof imports === 'function' ? await imports(instance as never) : imports;
      return { ...interfacesOf(instance.name, settings), ...given } as WasmImports;
    },
  });
  const loans = new SharedLoans<Service>(pool, requestsPerInstance);

  async function answer(request: ComponentRequest): Promise<ComponentAnswer> {
    const whole = await wholeBody(request, settings);
    const begun = Promise.withResolvers<ComponentAnswer>();
    begun.promise.catch(() => {}); // it may be that nobody waits any more
    const serve = (instance: WasmInstance<Service, unknown>) => {
      return new Call(shim, request, whole, settings).run(instance, begun);
    };
    loans.use(serve, { signal: request.signal, context: request.context }).catch(begun.reject);
    return begun.promise;
  }
  return { preview: 3, pool, answer };
}

/** Where the output of an instance goes. */
function outputOf(instance: string, { onOutput }: HttpComponentSettings) {
  if (onOutput === undefined) return {};
  const to = (stream: 'stdout' | 'stderr') => (chunk: Uint8Array<ArrayBuffer>) =>
    onOutput({ instance, stream, chunk, lostBytes: 0 });
  return { stdout: to('stdout'), stderr: to('stderr') };
}

/** The interfaces beside WASI proper that an instance has. */
function interfacesOf(instance: string, settings: HttpComponentSettings): object {
  const { config, keyvalue } = settings;
  const { stderr } = outputOf(instance, settings);
  const log = (line: string) => {
    const chunk = new TextEncoder().encode(line);
    if (stderr === undefined) void writeStandard('stderr', chunk);
    else stderr(chunk);
  };
  return {
    ...loggingInterfaces(log),
    ...(config && configInterfaces(config)),
    ...(keyvalue && keyvalueInterfaces(keyvalue.operate)),
  };
}

/** One request that an instance serves. */
class Call {
  readonly #shim: Shim;
  readonly #request: ComponentRequest;
  readonly #whole: Uint8Array<ArrayBuffer> | undefined;
  readonly #settings: HttpComponentSettings;
  readonly #over = Promise.withResolvers<never>();
  readonly #time: Stopwatch;
  #roomBytes = AHEAD_BYTES;
  #onRoom = () => {};
  #clientLeft = false;

  constructor(
    shim: Shim,
    request: ComponentRequest,
    whole: Uint8Array<ArrayBuffer> | undefined,
    settings: HttpComponentSettings,
  ) {
    this.#shim = shim;
    this.#request = request;
    this.#whole = whole;
    this.#settings = settings;
    this.#over.promise.catch(() => {});
    const { timeoutMillis } = settings;
    this.#time = new Stopwatch(timeoutMillis, () => {
      const message = `the component took longer than ${timeoutMillis} ms`;
      this.#over.reject(new HttpError('ERR_HTTP_TIMEOUT', message));
    });
  }

  /** Resolves once the answer is whole, or its client has left. */
  async run(
    { exports }: WasmInstance<Service, unknown>,
    begun: PromiseWithResolvers<ComponentAnswer>,
  ): Promise<void> {
    const { signal } = this.#request;
    const leave = () => {
      this.#clientLeft = true;
      this.#over.reject(signal.reason);
      this.#onRoom();
    };
    signal.addEventListener('abort', leave, { once: true });
    const trailers = Promise.withResolvers<HeaderList>();
    const queue = new ByteQueue(
      (bytes) => {
        this.#roomBytes += bytes;
        this.#onRoom();
      },
      () => leave(),
    );
    try {
      signal.throwIfAborted();
      const asked = this.#wasiRequest();
      this.#time.start();
      const response = await this.#within(exports.handler.handle(asked));
      const status = response.getStatusCode();
      checkStatus(status);
      const headers = response.getHeaders().copyAll();
      begun.resolve({
        status,
        headers,
        body: queue.chunks,
        knownLength: () => queue.knownLength(),
        trailers: trailers.promise,
      });
      trailers.resolve(await this.#pump(response, queue));
      queue.end();
    } catch (error) {
      const failure = answerError(error);
      queue.fail(failure);
      trailers.resolve([]);
      throw failure;
    } finally {
      this.#time.pause();
      signal.removeEventListener('abort', leave);
    }
  }

  async #pump(response: ShimResponse, queue: ByteQueue): Promise<HeaderList> {
    const received = Promise.resolve({ tag: 'ok', val: undefined });
    const { Response } = this.#shim.http.types;
    const [body, ended] = Response.consumeBody(response, received);
    let isWhole = body === null || body === undefined;
    try {
      while (body !== null && body !== undefined && !isWhole) {
        const chunk = await this.#within(body.read());
        if (chunk === null) isWhole = true;
        else {
          queue.push(chunk);
          this.#roomBytes -= chunk.length;
          await this.#waitForClient();
        }
      }
    } finally {
      if (!isWhole) body?.close();
    }
    const result: TrailersResult = await this.#within(ended);
    if (result?.tag === 'err') throw new HttpError('ERR_HTTP_ANSWER', 'the answer broke off');
    return result?.val?.copyAll() ?? [];
  }

  /** The client's time is not the component's. */
  async #waitForClient(): Promise<void> {
    if (this.#roomBytes > 0) return;
    this.#time.pause();
    const { clientTimeoutMillis } = this.#settings;
    const watch = new Stopwatch(clientTimeoutMillis, () => {
      const message = `the client was silent for ${clientTimeoutMillis} ms`;
      this.#over.reject(new HttpError('ERR_HTTP_CLIENT_TIMEOUT', message));
      this.#onRoom();
    });
    watch.start();
    while (this.#roomBytes <= 0 && !this.#clientLeft) {
      const room = new Promise<void>((resolve) => {
        this.#onRoom = resolve;
      });
      await Promise.race([room, this.#over.promise]);
    }
    watch.pause();
    this.#time.start();
  }

  #within<R>(work: PromiseLike<R>): Promise<R> {
    return Promise.race([work, this.#over.promise]);
  }

  /** The body's chunks, with the time in which the component waits for them taken off its own. */
  async *#upload(body: Chunks): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    const chunks = limited(body, this.#settings);
    try {
      for (;;) {
        this.#time.pause();
        const { done, value } = await chunks.next();
        this.#time.start();
        if (done) return;
        yield value;
      }
    } catch (error) {
      this.#time.start();
      this.#over.reject(error);
      throw error;
    } finally {
      await chunks.return();
    }
  }

  #wasiRequest(): ShimRequest {
    const { headers, method, scheme, authority, path, body } = this.#request;
    const { types } = this.#shim.http;
    const { StreamReader } = this.#shim.stream;
    const whole = this.#whole;
    // jco's code needs a stream of bytes also where there are none.
    const chunks = whole === undefined && body !== undefined ? this.#upload(body) : one(whole);
    const trailers = (async () => {
      const list = whole === undefined ? await this.#request.trailers : [];
      const val = list.length > 0 ? types.Fields._fromEntriesChecked(list) : undefined;
      return { tag: 'ok', val };
    })();
    const [it] = types.Request.new(
      types.Fields._fromEntriesChecked(headers),
      new StreamReader(chunks),
      new this.#shim.future.FutureReader(trailers),
      null,
    );
    try {
      it.setMethod(methodOf(method));
      it.setScheme(schemeOf(scheme));
      it.setAuthority(authority);
      it.setPathWithQuery(path);
    } catch (cause) {
      throw new HttpError('ERR_HTTP_REQUEST', 'its method, host or path is not valid', { cause });
    }
    return it;
  }
}

async function* one(
  chunk: Uint8Array<ArrayBuffer> | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  if (chunk !== undefined && chunk.length > 0) yield chunk;
}

/** jco throws what a WIT `result` has as its error, here an `error-code`. */
function answerError(error: unknown): unknown {
  const payload = error instanceof Error ? Reflect.get(error, 'payload') : undefined;
  if (payload === undefined) return error;
  const message = `the component answered with an error: ${payload.tag}`;
  return new HttpError('ERR_HTTP_ANSWER', message, { cause: error });
}
