import { resultError } from '../../component/jco-code.js';
import { WasmExit } from '../../errors.js';
import { Fields } from './fields.js';
import { filesystem } from './filesystem.js';
import { after, InputStream, IoError, OutputStream, Pollable, poll } from './io.js';
import * as types from './types.js';

type Interface = Readonly<Record<string, unknown>>;

/** What a component on a thread has of WASI. */
export interface ThreadWasiOptions {
  readonly args?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Folders of the host, by the component's names for them. */
  readonly preopens?: Readonly<Record<string, string>> | undefined;
  /** Aborted when the instance is dropped. */
  readonly dropped?: AbortSignal | undefined;
  /** Where standard output and error go, a chunk at a time. */
  readonly write: (name: 'stdout' | 'stderr', chunk: Uint8Array<ArrayBuffer>) => void;
}

const NANOS_PER_MILLI = 1_000_000;
const MILLIS_PER_SECOND = 1000;
const CHUNK_BYTES = 65_536;

/**
 * Preview 2 of WASI for one instance on a thread, without another thread beside it: streams, polls,
 * clocks, files and HTTP of our own; no sockets, no terminal.
 */
export function threadWasi(options: ThreadWasiOptions, name: string): Record<string, Interface> {
  const { args = [], env = {}, preopens = {}, dropped, write } = options;
  const output = (stream: 'stdout' | 'stderr') => {
    const it = new OutputStream({
      room: () => CHUNK_BYTES,
      put: (bytes) => write(stream, new Uint8Array(bytes)),
      flush() {},
    });
    return () => it;
  };
  const leave = (code: number): never => {
    throw new WasmExit(code, name);
  };
  const nanos = () => process.hrtime.bigint();
  return {
    'wasi:io/poll': { Pollable, poll },
    'wasi:io/error': { Error: IoError },
    'wasi:io/streams': { InputStream, OutputStream },
    'wasi:clocks/monotonic-clock': {
      now: nanos,
      resolution: () => 1n,
      subscribeInstant: (mark: bigint) => after(Number(mark - nanos()) / NANOS_PER_MILLI),
      subscribeDuration: (duration: bigint) => after(Number(duration) / NANOS_PER_MILLI),
    },
    'wasi:clocks/wall-clock': {
      now() {
        const millis = Date.now();
        const seconds = Math.floor(millis / MILLIS_PER_SECOND);
        const nanoseconds = (millis - seconds * MILLIS_PER_SECOND) * NANOS_PER_MILLI;
        return { seconds: BigInt(seconds), nanoseconds };
      },
      resolution: () => ({ seconds: 0n, nanoseconds: NANOS_PER_MILLI }),
    },
    'wasi:random/random': random,
    'wasi:random/insecure': {
      getInsecureRandomBytes: random.getRandomBytes,
      getInsecureRandomU64: random.getRandomU64,
    },
    'wasi:random/insecure-seed': {
      insecureSeed: () => [random.getRandomU64(), random.getRandomU64()],
    },
    'wasi:cli/environment': {
      getEnvironment: () => Object.entries(env),
      getArguments: () => [...args],
      initialCwd: () => undefined,
    },
    'wasi:cli/exit': {
      exit: (status: { tag: string }) => leave(status.tag === 'err' ? 1 : 0),
      exitWithCode: leave,
    },
    'wasi:cli/stdin': {
      getStdin: () =>
        new InputStream({ waits: 'other', take: () => undefined, isReady: () => true }),
    },
    'wasi:cli/stdout': { getStdout: output('stdout') },
    'wasi:cli/stderr': { getStderr: output('stderr') },
    'wasi:cli/terminal-input': { TerminalInput: class {} },
    'wasi:cli/terminal-output': { TerminalOutput: class {} },
    'wasi:cli/terminal-stdin': { getTerminalStdin: () => undefined },
    'wasi:cli/terminal-stdout': { getTerminalStdout: () => undefined },
    'wasi:cli/terminal-stderr': { getTerminalStderr: () => undefined },
    ...filesystem(preopens, dropped),
    'wasi:sockets/instance-network': { instanceNetwork: () => new Network() },
    'wasi:sockets/network': { Network },
    'wasi:sockets/ip-name-lookup': denied('ResolveAddressStream'),
    'wasi:sockets/tcp': denied('TcpSocket'),
    'wasi:sockets/tcp-create-socket': denied(),
    'wasi:sockets/udp': denied('UdpSocket', 'IncomingDatagramStream', 'OutgoingDatagramStream'),
    'wasi:sockets/udp-create-socket': denied(),
    'wasi:http/types': { ...httpTypes, Fields, httpErrorCode: () => undefined },
    'wasi:http/outgoing-handler': { handle: types.handle },
  };
}

const { handle: _, ...httpTypes } = types;

class Network {}

const MAX_RANDOM_BYTES = 2 ** 24;

const random = {
  getRandomBytes(length: bigint): Uint8Array {
    if (length > MAX_RANDOM_BYTES) throw new Error(`more than ${MAX_RANDOM_BYTES} random bytes`);
    const bytes = new Uint8Array(Number(length));
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      crypto.getRandomValues(bytes.subarray(at, at + CHUNK_BYTES)); // no more at once: Web Cryptography
    }
    return bytes;
  },
  getRandomU64(): bigint {
    const [value = 0n] = crypto.getRandomValues(new BigUint64Array(1));
    return value;
  },
};

/** An interface without resources: its functions are denied, and its classes have no instances. */
function denied(...classes: string[]): Interface {
  const resources = Object.fromEntries(classes.map((it) => [it, class {}]));
  const deny = () => {
    throw resultError('access-denied');
  };
  return new Proxy(resources, { get: (target, name) => Reflect.get(target, name) ?? deny });
}
