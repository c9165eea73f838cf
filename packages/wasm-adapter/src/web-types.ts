// What published types speak of in place of globals that a project may have no types for: the platform's
// own, where those are known, and else as much as is used here. The build puts these names into the
// declarations (scripts/portable-types.ts); the sources use the globals.
import type { InstancesOf } from '@wasm-pool/core/internal';

export type { AbortSignal } from '@wasm-pool/core/internal';

/** The instances of a class of WebAssembly, or `Otherwise` where no types know it. */
type WasmInstancesOf<Name extends string, Otherwise> = typeof globalThis extends {
  readonly WebAssembly: { readonly [It in Name]: { readonly prototype: infer It } };
}
  ? It
  : Otherwise;

export type Module = WasmInstancesOf<'Module', object>;

export type Memory = WasmInstancesOf<
  'Memory',
  { readonly buffer: ArrayBuffer; grow(delta: number): number }
>;

export type Table = WasmInstancesOf<
  'Table',
  {
    readonly length: number;
    get(index: number): unknown;
    grow(delta: number, value?: unknown): number;
    set(index: number, value?: unknown): void;
  }
>;

export type Global = WasmInstancesOf<'Global', { value: unknown; valueOf(): unknown }>;

type Extern = ((...args: never) => unknown) | Global | Memory | Table;

export type Instance = WasmInstancesOf<
  'Instance',
  { readonly exports: Readonly<Record<string, Extern>> }
>;

export type Exception = WasmInstancesOf<'Exception', object>;

export type CompileError = WasmInstancesOf<'CompileError', Error>;

export type Exports = Instance['exports'];

export type Imports = typeof globalThis extends {
  readonly WebAssembly: {
    readonly Instance: new (module: never, imports?: infer It extends object) => unknown;
  };
}
  ? It
  : Record<string, Record<string, Extern | number>>;

/** `typeof WebAssembly` */
export type WebAssemblyNamespace = typeof globalThis extends { readonly WebAssembly: infer It }
  ? It
  : object;

export type URL = InstancesOf<'URL', { readonly href: string; toString(): string }>;

export type Headers = InstancesOf<
  'Headers',
  Iterable<[string, string]> & { get(name: string): string | null }
>;

interface Body {
  readonly headers: Headers;
  readonly bodyUsed: boolean;
  arrayBuffer(): Promise<ArrayBuffer>;
  json(): Promise<unknown>;
  text(): Promise<string>;
}

export type Response = InstancesOf<
  'Response',
  Body & { readonly ok: boolean; readonly status: number; readonly url: string }
>;

export type Request = InstancesOf<
  'Request',
  Body & { readonly method: string; readonly url: string; readonly signal: object }
>;

/** `typeof fetch` */
export type Fetch = typeof globalThis extends { readonly fetch: infer It }
  ? It
  : (request: Request) => Promise<Response>;

export interface ErrorEvent {
  readonly error: unknown;
  readonly message: string;
}

/** What can be moved to another thread. */
export type Transferable = ArrayBuffer;

/** https://nodejs.org/api/worker_threads.html#new-workerfilename-options */
export interface ResourceLimits {
  maxYoungGenerationSizeMb?: number | undefined;
  maxOldGenerationSizeMb?: number | undefined;
  codeRangeSizeMb?: number | undefined;
  stackSizeMb?: number | undefined;
}

/** As much of node:worker_threads' options as a pool gives to a thread. */
export interface NodeWorkerOptions {
  name?: string;
  workerData?: unknown;
  env?: { [name: string]: string | undefined };
  argv?: unknown[];
  execArgv?: string[];
  stdout?: boolean;
  stderr?: boolean;
  resourceLimits?: ResourceLimits;
  transferList?: Transferable[];
}
