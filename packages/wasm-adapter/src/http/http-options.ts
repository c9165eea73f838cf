import { checkOptions, millis, type OptionCheck, wholeNumber } from '@wasm-pool/core/internal';
import type { ComponentWasiOptions } from '../instance/component/component-wasi.js';
import type { WasmPoolOptions } from '../pool/options.js';
import type { HttpError } from './http-error.js';

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
  /** WASI of the component: arguments, environment, and what it may ask of other servers. */
  wasi?: ComponentWasiOptions | undefined;
  /** In-memory `wasi:config`: what the component is given by name. */
  config?: Readonly<Record<string, string>> | undefined;
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
    module,
    imports,
    requestsPerInstance = 1,
    maxBodyBytes = 16 * MIB,
    timeoutMillis = 30_000,
    clientTimeoutMillis = 30_000,
    onError,
    ...pool
  } = options;
  const given = { wasi, config, module, requestsPerInstance, maxBodyBytes, timeoutMillis };
  checkOptions('createHttpComponent', { ...given, clientTimeoutMillis, onError }, own);
  return {
    ...given,
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
