import { checkOptions, millis, type OptionCheck, wholeNumber } from '@wasm-pool/core/internal';
import type { ComponentWasiOptions } from '../instance/component/component-wasi.js';
import type { WasmPoolOptions } from '../pool/options.js';
import type { HttpError } from './http-error.js';
import { type KeyValueData, KeyValueStore } from './interfaces/keyvalue-store.js';

/** What a component has printed, or logged by `wasi:logging`, which is on `stderr`. */
export interface ComponentOutput {
  /** The instance that it is of: `component#3`. */
  readonly instance: string;
  readonly stream: 'stdout' | 'stderr';
  readonly chunk: Uint8Array<ArrayBuffer>;
  /** How many bytes before it were lost, as more than 1 MiB waited to be taken. Mostly 0. */
  readonly lostBytes: number;
}

/** How a component answers HTTP requests. Beside what is said here, options of a pool. */
export interface HttpComponentOptions
  extends Pick<
    WasmPoolOptions,
    | 'name'
    | 'max'
    | 'min'
    | 'reset'
    | 'maxMemoryBytes'
    | 'maxUses'
    | 'component'
    | 'maxWaitingClients'
    | 'acquireTimeoutMillis'
    | 'createTimeoutMillis'
    | 'idleTimeoutMillis'
    | 'evictionRunIntervalMillis'
    | 'numTestsPerEvictionRun'
    | 'softIdleTimeoutMillis'
    | 'maxAgeMillis'
    | 'imports'
  > {
  /** WASI of the component: arguments, environment, folders, and what it may ask of other servers. */
  wasi?: Omit<ComponentWasiOptions, 'stdin' | 'stdout' | 'stderr'> | undefined;
  /** In-memory `wasi:config`: what the component is given by name. */
  config?: Readonly<Record<string, string>> | undefined;
  /**
   * In-memory `wasi:keyvalue`, one store for all instances, of at most 64 MiB: true, or its first content
   * by the names of buckets, as in `{ default: { greeting: 'hello' } }`. Default: there is none.
   */
  keyvalue?: boolean | KeyValueData | undefined;
  /**
   * For preview 2: how many threads there may be at once. As an instance blocks its thread, no more
   * requests than that are served at once. Default: `max`.
   */
  threads?: number | undefined;
  /** Is given what the component prints. Default: it goes to the streams of the process. */
  onOutput?: ((output: ComponentOutput) => void) | undefined;
  /**
   * For preview 2, whose instances are on threads: a module that exports `imports`, which has there the
   * meaning that the option `imports` has for preview 3. A `file:` or `data:` URL.
   */
  module?: URL | string | undefined;
  /**
   * For preview 3: how many requests one instance may serve at once. Default 1. An instance of preview 2
   * serves one, whatever is said here.
   */
  requestsPerInstance?: number | undefined;
  /** The largest body of a request, in bytes. A larger one is answered with 413. Default 16 MiB. */
  maxBodyBytes?: number | undefined;
  /**
   * The longest that a component may take for one request, without the time in which it waits for its
   * client; 0: no limit. Then 504, or the answer is cut off. Default 30,000.
   */
  timeoutMillis?: number | undefined;
  /** The longest that a client may send, or take, nothing; 0: no limit. Default 30,000. */
  clientTimeoutMillis?: number | undefined;
  /**
   * Is called where a component has no answer, and may give one in place of the default, which has the
   * status and the code of the error. What it throws is as if it gave none.
   */
  onError?:
    | ((error: HttpError, request: Request) => Response | undefined | Promise<Response | undefined>)
    | undefined;
}

const MIB = 2 ** 20;

function isKeyValueData(value: unknown): boolean {
  const isObject = (it: unknown): it is object => typeof it === 'object' && it !== null;
  const isValue = (it: unknown) => typeof it === 'string' || it instanceof Uint8Array;
  const isBucket = (it: unknown) => isObject(it) && Object.values(it).every(isValue);
  return isObject(value) && Object.values(value).every(isBucket);
}

const own: Readonly<Record<string, OptionCheck>> = {
  config: {
    accepts: 'an object of strings',
    test: (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((it) => typeof it === 'string'),
  },
  module: {
    accepts: 'a URL object or string; for a path, pathToFileURL(path)',
    test: (value) => value instanceof URL || (typeof value === 'string' && URL.canParse(value)),
  },
  keyvalue: {
    accepts: 'true, false, or an object of buckets, each an object of strings or Uint8Arrays',
    test: (value) => typeof value === 'boolean' || isKeyValueData(value),
  },
  threads: wholeNumber(1),
  onOutput: { accepts: 'a function', test: (value) => typeof value === 'function' },
  wasi: { accepts: 'an object', test: (value) => typeof value === 'object' && value !== null },
  requestsPerInstance: wholeNumber(1),
  maxBodyBytes: wholeNumber(0),
  timeoutMillis: millis,
  clientTimeoutMillis: millis,
  onError: { accepts: 'a function', test: (value) => typeof value === 'function' },
};

/** The options, sorted by whose they are, and with what is not given filled in. */
export interface HttpComponentSettings {
  readonly pool: Omit<HttpComponentOptions, keyof Own> & {
    readonly name: string;
    readonly max: number;
  };
  readonly wasi: ComponentWasiOptions;
  readonly config: Readonly<Record<string, string>> | undefined;
  readonly keyvalue: KeyValueStore | undefined;
  readonly threads: number | undefined;
  readonly onOutput: HttpComponentOptions['onOutput'];
  readonly module: URL | string | undefined;
  readonly imports: HttpComponentOptions['imports'];
  readonly requestsPerInstance: number;
  readonly maxBodyBytes: number;
  readonly timeoutMillis: number;
  readonly clientTimeoutMillis: number;
  readonly onError: HttpComponentOptions['onError'];
}
type Own = Pick<
  HttpComponentOptions,
  | 'wasi'
  | 'config'
  | 'keyvalue'
  | 'threads'
  | 'onOutput'
  | 'module'
  | 'imports'
  | 'requestsPerInstance'
  | 'maxBodyBytes'
  | 'timeoutMillis'
  | 'clientTimeoutMillis'
  | 'onError'
>;

/** Checks what is ours, and leaves the rest to the pool's own checks. Throws an `OptionError`. */
export function httpSettings(options: HttpComponentOptions): HttpComponentSettings {
  const {
    wasi = {},
    config,
    keyvalue,
    threads,
    onOutput,
    module,
    imports,
    requestsPerInstance = 1,
    maxBodyBytes = 16 * MIB,
    timeoutMillis = 30_000,
    clientTimeoutMillis = 30_000,
    onError,
    ...pool
  } = options;
  const given = {
    ...{
      wasi,
      config,
      module,
      threads,
      onOutput,
      requestsPerInstance,
      maxBodyBytes,
      timeoutMillis,
    },
  };
  checkOptions('createHttpComponent', { ...given, keyvalue, clientTimeoutMillis, onError }, own);
  const hasStore = keyvalue !== undefined && keyvalue !== false;
  return {
    ...given,
    keyvalue: hasStore ? new KeyValueStore(keyvalue === true ? {} : keyvalue) : undefined,
    clientTimeoutMillis,
    onError,
    imports,
    pool: {
      acquireTimeoutMillis: 10_000,
      maxWaitingClients: 256,
      ...pool,
      name: pool.name ?? 'component',
      max: pool.max ?? 16,
    },
  };
}
