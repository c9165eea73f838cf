import { parseArgs } from 'node:util';
import { OptionError } from '@wasm-pool/core';
import type { HttpComponentOptions } from '../http/http-options.js';
import { parseDuration } from './duration.js';
import type { LogFormat } from './log.js';

/** What the help says of it. */
export const usage =
  'serve [--port N] [--max N] [--threads N] [--env NAME=VALUE] [--dir HOST::GUEST] component.wasm   answers HTTP';

export const help = `usage: wasm-pool ${usage}

A component for wasi:http, of preview 2 or 3, answers HTTP requests.

  --addr HOST:PORT        where to listen; default 127.0.0.1:8080
  --port N                the port alone. One that is in use: the next that is free
  --strict-port           one that is in use: an error
  --max N                 the most instances at once; default 16
  --threads N             preview 2: the most threads, and so requests, at once; default: as --max
  --env NAME[=VALUE]      a variable for the component; without a value: that of this process
  --dir HOST[::GUEST]     a folder of the host, under the component's name for it; default: the same
  --timeout TIME          the longest that a request may take (5s, 250ms, 1m30s); default 30s
  --max-instance-reuse-count N
                          how many requests an instance serves; default 1 (preview 2), any number (preview 3)
  --max-instance-concurrent-reuse-count N
                          preview 3: how many an instance serves at once; default 1
  --idle-instance-timeout TIME
                          an instance that was idle for so long is ended; default: never
  --max-connections N     the most connections; more are closed; default 1024
  --max-body BYTES        the largest body of a request; default 16777216
  -S http                 the component may send requests to all servers
  -S allow-host=HOST      to that one, as in api.example.com, *.example.com, localhost:8081
  -S config-var=NAME=VALUE (or config=NAME=VALUE)   what wasi:config has
  -S keyvalue             wasi:keyvalue in memory; keyvalue-in-memory-data=KEY=VALUE: its first content
  --log text|json|none    default text
  --no-admin              no /healthz and no /metrics: these paths are the component's

SIGTERM and SIGINT end it once the requests under way are answered; a second one at once.`;

/** What `serve` was told. */
export interface ServeArguments {
  readonly path: string;
  readonly host: string;
  readonly port: number;
  readonly strictPort: boolean;
  readonly admin: boolean;
  readonly log: LogFormat;
  readonly maxConnections: number;
  readonly timeoutMillis: number;
  /** Whether these stand in the arguments, or are defaults. */
  readonly given: { readonly max: boolean; readonly threads: boolean };
  readonly options: HttpComponentOptions & { readonly max: number };
}

const TIMEOUT = '30s';
const LOGS: readonly LogFormat[] = ['text', 'json', 'none'];

/** Reads the arguments; undefined where help is asked for. Throws an `OptionError` that says what is accepted. */
export function readArguments(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): ServeArguments | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      addr: { type: 'string' },
      port: { type: 'string' },
      'strict-port': { type: 'boolean', default: false },
      max: { type: 'string' },
      threads: { type: 'string' },
      env: { type: 'string', multiple: true, default: [] },
      dir: { type: 'string', multiple: true, default: [] },
      timeout: { type: 'string', default: TIMEOUT },
      'max-instance-reuse-count': { type: 'string' },
      'max-instance-concurrent-reuse-count': { type: 'string' },
      'idle-instance-timeout': { type: 'string' },
      'max-connections': { type: 'string' },
      'max-body': { type: 'string' },
      wasi: { type: 'string', short: 'S', multiple: true, default: [] },
      log: { type: 'string', default: 'text' },
      'no-admin': { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const [path, ...more] = positionals;
  if (path === undefined) throw new OptionError(`no component is given; accepted: ${usage}`);
  if (more.length > 0) {
    throw new OptionError(`${more.join(' ')} is given beside ${path}; accepted: one component`);
  }
  const number = (flag: keyof typeof values, least: number, most: number) => {
    const given = values[flag];
    return typeof given === 'string' ? wholeNumber(`--${flag}`, given, least, most) : undefined;
  };
  const max = number('max', 1, 10_000) ?? 16;
  const threads = number('threads', 1, 10_000);
  const reuses = number('max-instance-reuse-count', 1, 2 ** 31);
  const concurrent = number('max-instance-concurrent-reuse-count', 1, 100_000);
  const maxBodyBytes = number('max-body', 0, Number.MAX_SAFE_INTEGER);
  const idle = values['idle-instance-timeout'];
  const log = LOGS.find((it) => it === values.log);
  if (log === undefined) {
    throw new OptionError(`--log is ${JSON.stringify(values.log)}; accepted: ${LOGS.join(', ')}`);
  }
  const { hosts, config, keyvalue } = wasiFlags(values.wasi);
  const timeoutMillis = parseDuration('--timeout', values.timeout);
  return {
    path,
    ...address(values.addr, number('port', 0, 65_535)),
    strictPort: values['strict-port'],
    admin: !values['no-admin'],
    log,
    maxConnections: number('max-connections', 1, 1_000_000) ?? 1024,
    timeoutMillis,
    given: { max: values.max !== undefined, threads: threads !== undefined },
    options: {
      max,
      ...(threads === undefined ? {} : { threads }),
      timeoutMillis,
      ...(reuses === undefined ? {} : reuse(reuses)),
      ...(concurrent === undefined ? {} : { requestsPerInstance: concurrent }),
      ...(idle === undefined
        ? {}
        : { idleTimeoutMillis: parseDuration('--idle-instance-timeout', idle) }),
      ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }),
      ...(config === undefined ? {} : { config }),
      ...(keyvalue === undefined ? {} : { keyvalue }),
      wasi: {
        env: Object.fromEntries(values.env.map((it) => variable(it, env))),
        preopens: Object.fromEntries(values.dir.map(folder)),
        ...(hosts === undefined ? {} : { http: hosts === 'all' ? {} : { hosts } }),
      },
    },
  };
}

/** An instance for each request is made ahead, so that none waits for it. */
function reuse(count: number): Pick<HttpComponentOptions, 'reset' | 'maxUses'> {
  return count === 1 ? { reset: 'fresh' } : { reset: 'reuse', maxUses: count };
}

function wholeNumber(flag: string, given: string, least: number, most: number): number {
  const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (value >= least && value <= most) return value;
  const accepted = `a whole number from ${least} to ${most}`;
  throw new OptionError(`${flag} is ${JSON.stringify(given)}; accepted: ${accepted}`);
}

const HOST = '127.0.0.1';
const PORT = 8080;

function address(
  addr: string | undefined,
  port: number | undefined,
): { host: string; port: number } {
  if (addr === undefined) return { host: HOST, port: port ?? PORT };
  if (port !== undefined) {
    throw new OptionError('both --addr and --port are given; accepted: one of them');
  }
  const [, inBrackets, plain, number = ''] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/.exec(addr) ?? [];
  const host = inBrackets ?? plain;
  if (host === undefined) {
    throw new OptionError(
      `--addr is ${JSON.stringify(addr)}; accepted: HOST:PORT, as in 0.0.0.0:8080 or [::]:8080`,
    );
  }
  return { host, port: wholeNumber('--addr: the port', number, 0, 65_535) };
}

function variable(given: string, env: NodeJS.ProcessEnv): [string, string] {
  const at = given.indexOf('=');
  if (at > 0) return [given.slice(0, at), given.slice(at + 1)];
  const inherited = env[given];
  if (at === -1 && given !== '' && inherited !== undefined) return [given, inherited];
  const why = at === -1 && given !== '' ? ', which this process has no variable for' : '';
  throw new OptionError(
    `--env is ${JSON.stringify(given)}${why}; accepted: --env NAME=VALUE, or the NAME of a variable of this process`,
  );
}

function folder(given: string): [guest: string, host: string] {
  const [host = '', guest = host, ...more] = given.split('::');
  if (host !== '' && guest !== '' && more.length === 0) return [guest, host];
  throw new OptionError(
    `--dir is ${JSON.stringify(given)}; accepted: --dir HOST or --dir HOST::GUEST, as in --dir ./data::/data`,
  );
}

interface WasiFlags {
  hosts: 'all' | string[] | undefined;
  config: Record<string, string> | undefined;
  keyvalue: { default: Record<string, string>; '': Record<string, string> } | undefined;
}

const WASI_FLAGS =
  'http, allow-host=HOST, config, config-var=NAME=VALUE, keyvalue, keyvalue-in-memory-data=KEY=VALUE, cli';

/** The `-S` flags, separated by commas or given several times. */
function wasiFlags(all: readonly string[]): WasiFlags {
  const flags: WasiFlags = { hosts: undefined, config: undefined, keyvalue: undefined };
  for (const given of all.flatMap((it) => it.split(','))) {
    const [name = '', ...rest] = given.split('=');
    const value = rest.length > 0 ? rest.join('=') : undefined;
    const isOff = value === 'n' || value === 'no' || value === 'false';
    const isOn = value === undefined || value === 'y' || value === 'yes' || value === 'true';
    if (isOff && ['http', 'config', 'keyvalue'].includes(name)) continue;
    if (name === 'http' && isOn) flags.hosts = 'all';
    else if (name === 'allow-host' && value) {
      if (flags.hosts !== 'all') flags.hosts = [...(flags.hosts ?? []), value];
    } else if (name === 'config' && isOn) flags.config ??= {};
    else if (name === 'config-var' || name === 'config') {
      flags.config = { ...flags.config, ...Object.fromEntries([pair(given, value)]) };
    } else if (name === 'keyvalue' && isOn) flags.keyvalue ??= { default: {}, '': {} };
    else if (name === 'keyvalue-in-memory-data') {
      const [key, text] = pair(given, value);
      flags.keyvalue ??= { default: {}, '': {} };
      for (const bucket of [flags.keyvalue.default, flags.keyvalue['']]) bucket[key] = text;
    } else if ((name !== 'cli' && name !== 'common') || !isOn) {
      throw new OptionError(`-S ${JSON.stringify(given)}; accepted: ${WASI_FLAGS}`);
    }
  }
  return flags;
}

function pair(given: string, value: string | undefined): [string, string] {
  const at = value?.indexOf('=') ?? -1;
  if (value !== undefined && at > 0) return [value.slice(0, at), value.slice(at + 1)];
  throw new OptionError(`-S ${JSON.stringify(given)}; accepted: ${WASI_FLAGS}`);
}
