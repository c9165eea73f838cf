import { checkOptions, type OptionCheck } from '@wasm-pool/core/internal';
import type { Component } from '../../component/component.js';
import { importPeer } from '../../component/jco.js';
import { resultError } from '../../component/jco-code.js';
import { WasmExit } from '../../errors.js';
import { keepFromExiting } from '../../platform/guarded-exit.js';
import { writeStandard } from '../../platform/standard-streams.js';
import { inputOf3, inputStream } from './input.js';
import { type OutgoingOptions, requestsFor } from './outgoing-requests.js';
import { outputStream, type WriteOutput } from './output.js';
import { monotonicWaits } from './preview3/clocks.js';
import { filesystem, type StreamPackages } from './preview3/filesystem.js';
import { type HttpPackages, httpClient } from './preview3/http-client.js';
import { output } from './preview3/stdio.js';

/** What a component's WASI gives it. `args`, `env` and `stdin` are looked at when the component asks. */
export interface ComponentWasiOptions {
  /** The arguments. Default: none. */
  args?: readonly string[] | undefined;
  /** The environment. Default: empty. */
  env?: Readonly<Record<string, string>> | undefined;
  /** The standard input: each instance reads it once. Default: empty. */
  stdin?: string | Uint8Array | undefined;
  /** Where standard output goes, a chunk at a time. Default: to that of the process. */
  stdout?: WriteOutput | undefined;
  /** Where standard error goes, a chunk at a time. Default: to that of the process. */
  stderr?: WriteOutput | undefined;
  /**
   * Folders of the host, by the paths under which the component sees them: it reads and writes there,
   * and what leads out of one (`..`, absolute paths, links) is refused. Default: none.
   */
  preopens?: Readonly<Record<string, string>> | undefined;
  /** Whether it may use sockets and send HTTP requests. Default: false. */
  network?: boolean | undefined;
  /**
   * What it may ask of other servers by `wasi:http`, and how. Default: nothing, and everything where
   * `network` is true. Of preview 2, only `createHttpComponent` minds what is said here; elsewhere
   * `network` lets a component ask all servers.
   */
  http?: OutgoingOptions | undefined;
}

const isRecordOfStrings = (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((it) => typeof it === 'string');

const isFunction = (value: unknown) => typeof value === 'function';

const checks: Readonly<Record<keyof ComponentWasiOptions, OptionCheck>> = {
  args: {
    accepts: 'an array of strings',
    test: (value) => Array.isArray(value) && value.every((it) => typeof it === 'string'),
  },
  env: { accepts: 'an object of strings', test: isRecordOfStrings },
  stdin: {
    accepts: 'a text, or a Uint8Array',
    test: (value) => typeof value === 'string' || value instanceof Uint8Array,
  },
  stdout: { accepts: 'a function of the bytes', test: isFunction },
  stderr: { accepts: 'a function of the bytes', test: isFunction },
  preopens: { accepts: 'an object of paths', test: isRecordOfStrings },
  network: { accepts: 'true or false', test: (value) => typeof value === 'boolean' },
  http: { accepts: 'an object', test: (value) => typeof value === 'object' && value !== null },
};

type Interface = Readonly<Record<string, unknown>>;
type Interfaces = (name: string) => Interface | undefined;

/** As much of the shims as is used: of preview 2 a class, of preview 3 its packages. */
interface Preview2 {
  WASIShim: new (options: object) => { getImportObject(): Readonly<Record<string, Interface>> };
}
type Preview3 = Readonly<Record<string, Readonly<Record<string, Interface>>>>;

/**
 * The WASI interfaces of one instance, by the names under which jco's code looks them up. Nothing is
 * preopened, the environment and standard input are empty, and there is no network, unless `options`
 * say otherwise. Rejects with an `OptionError` for an unknown option, and as `installed` where a shim
 * is needed that is missing.
 */
export async function componentWasi(
  component: Component,
  options: ComponentWasiOptions,
  name: string,
  dropped: AbortSignal,
): Promise<Interfaces> {
  checkOptions(`${name}: wasi`, options, checks);
  const { importsWasi, importsWasi3, unversionedWasi3 } = component.traits;
  const of2 = importsWasi ? await preview2(options, name) : () => undefined;
  const of3 = importsWasi3 ? await preview3(options, name, of2, dropped) : () => undefined;
  return (lookedUp) => {
    const [bare = '', version] = lookedUp.split('@');
    if (version?.startsWith('0.3')) return of3(bare);
    return unversionedWasi3.has(bare) ? { ...of2(bare), ...of3(bare) } : of2(bare);
  };
}

async function preview2(options: ComponentWasiOptions, name: string): Promise<Interfaces> {
  const shim = '@bytecodealliance/preview2-shim';
  const { WASIShim } = await importPeer<Preview2>(shim, `${shim}/instantiation`, name);
  // It calls process.exit where a stream is not used as WASI has it, which is a trap of the guest alone.
  keepFromExiting('streamIoErrorCall', 'a stream of WASI was used in a way that traps');
  const { preopens = {}, network = false, stdout, stderr } = options;
  const all = new WASIShim({ sandbox: { preopens, enableNetwork: network } }).getImportObject();
  const own: Record<string, Interface> = {
    'wasi:cli/environment': {
      getEnvironment: () => Object.entries(options.env ?? {}),
      getArguments: () => [...(options.args ?? [])],
      initialCwd: () => undefined,
    },
    'wasi:cli/exit': exit(name),
    'wasi:cli/stdin': { getStdin: inputStream(all, () => options.stdin) },
    ...(stdout && { 'wasi:cli/stdout': { getStdout: outputStream(all, stdout) } }),
    ...(stderr && { 'wasi:cli/stderr': { getStderr: outputStream(all, stderr) } }),
    'wasi:cli/terminal-stdin': { getTerminalStdin: () => undefined },
    'wasi:cli/terminal-stdout': { getTerminalStdout: () => undefined },
    'wasi:cli/terminal-stderr': { getTerminalStderr: () => undefined },
    ...(network ? {} : { 'wasi:http/outgoing-handler': { handle: denyRequest } }),
  };
  return (it) => all[it] && { ...all[it], ...own[it] };
}

/** Its shim has no class of its own for an instance: its packages are taken as they are, less the process. */
async function preview3(
  options: ComponentWasiOptions,
  name: string,
  of2: Interfaces,
  dropped: AbortSignal,
): Promise<Interfaces> {
  const shim = '@bytecodealliance/preview3-shim';
  const packages = await importPeer<Preview3>(shim, shim, name);
  const { preopens = {}, network = false, http, stdout, stderr } = options;
  const requests = requestsFor(http, `${name}: wasi.http`);
  const { monotonicClock } = packages.clocks as unknown as { monotonicClock: { now(): bigint } };
  const own: Record<string, Interface> = {
    'wasi:clocks/monotonic-clock': { ...monotonicWaits(monotonicClock.now, dropped) },
    'wasi:cli/stdout': output(async (chunk) =>
      stdout ? stdout(chunk) : writeStandard('stdout', chunk),
    ),
    'wasi:cli/stderr': output(async (chunk) =>
      stderr ? stderr(chunk) : writeStandard('stderr', chunk),
    ),
    'wasi:cli/environment': {
      getEnvironment: () => Object.entries(options.env ?? {}),
      getArguments: () => [...(options.args ?? [])],
      getInitialCwd: () => undefined,
    },
    'wasi:cli/exit': exit(name),
    'wasi:cli/stdin': { readViaStream: inputOf3(packages, () => options.stdin) },
    ...filesystem(packages as unknown as StreamPackages, preopens, dropped),
    ...(network ? {} : deniedSockets3(packages)),
    'wasi:http/client':
      network || http !== undefined
        ? { ...httpClient(packages as unknown as HttpPackages, requests, dropped) }
        : { send: denyRequest },
  };
  for (const terminal of ['stdin', 'stdout', 'stderr']) {
    const it = `wasi:cli/terminal-${terminal}`;
    own[it] = of2(it) ?? {};
  }
  return (it) => {
    const [, pkg = '', member = ''] = it.match(/^wasi:([a-z-]+)\/(.*)$/) ?? [];
    const original = packages[pkg]?.[camelCase(member)];
    return original && { ...original, ...own[it] };
  };
}

function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The shims' own would end the process. */
function exit(name: string): Interface {
  return {
    exit(status: { tag: string }) {
      throw new WasmExit(status.tag === 'err' ? 1 : 0, name);
    },
    exitWithCode(code: number) {
      throw new WasmExit(code, name);
    },
  };
}

function denyRequest(): never {
  throw resultError({ tag: 'HTTP-request-denied' });
}

function denyAccess(): never {
  throw resultError({ tag: 'access-denied' });
}

/** The sockets of preview 3, without a network. */
function deniedSockets3(packages: Preview3): Record<string, Interface> {
  const { types } = packages.sockets as { types: Record<string, new () => object> };
  const sockets = Object.entries(types).map(([name, socket]) => {
    const denied = class extends socket {};
    return [name, Object.assign(denied, { create: denyAccess })];
  });
  return {
    'wasi:sockets/types': Object.fromEntries(sockets),
    'wasi:sockets/ip-name-lookup': { resolveAddresses: denyAccess },
  };
}
