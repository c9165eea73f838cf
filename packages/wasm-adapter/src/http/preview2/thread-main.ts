// Runs on the threads of a component for preview 2 of wasi:http.
import { type MessagePort, workerData } from 'node:worker_threads';
import { PooledInstance } from '../../instance/pooled-instance.js';
import type { WasmInstance } from '../../instance/wasm-instance.js';
import { importModule } from '../../platform/import-module.js';
import { serveTasks } from '../../worker/thread/serve-tasks.js';
import type { TaskInstance } from '../../worker/thread/task-instance.js';
import { move } from '../../worker/wire/move.js';
import { configInterfaces } from '../interfaces/config.js';
import { keyvalueInterfaces, type OperateOnStore } from '../interfaces/keyvalue.js';
import { loggingInterfaces } from '../interfaces/logging.js';
import { Exchange, setExchange } from './exchange.js';
import { type OutputLine, sendOutput } from './output.js';
import {
  type Answered,
  IncomingRequest,
  type OutgoingBody,
  OutgoingResponse,
  ResponseOutparam,
} from './types.js';
import { threadWasi } from './wasi.js';
import type { AnswerRest, RequestHead } from './wire.js';

/** What a thread is told when it is started. */
export interface ThreadSettings {
  readonly args: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly preopens: Readonly<Record<string, string>> | undefined;
  readonly config: Readonly<Record<string, string>> | undefined;
  readonly hasKeyvalue: boolean;
  /** Where what it prints goes; undefined: to the streams of the process. */
  readonly output?: OutputLine | undefined;
  /** A module whose `imports` are the component's own, beside WASI. */
  readonly module: string | undefined;
}

/** A request as a task gets it. */
export interface TaskRequest {
  readonly head: RequestHead;
  readonly port: MessagePort;
  readonly bell: SharedArrayBuffer;
}

/** What a task gives: what of the answer was not sent before. */
export type TaskResult = AnswerRest | { readonly broken: string };

/** The world wasi:http/proxy@0.2, as jco gives it. */
interface Proxy {
  readonly incomingHandler: {
    handle(request: IncomingRequest, outparam: ResponseOutparam): void;
  };
}

/** An answer that shows that the component is broken costs its instance, as a trap does. */
class BrokenAnswer extends WebAssembly.RuntimeError {
  override readonly name = 'BrokenAnswer';
}

/** The tasks of a thread. */
export interface HttpTasks {
  handle(instance: WasmInstance<Proxy>, request: TaskRequest): TaskResult;
}

function handle({ exports }: WasmInstance<Proxy>, { head, port, bell }: TaskRequest): TaskResult {
  const exchange = new Exchange(head, port, new Int32Array(bell));
  setExchange(exchange);
  let answered: Answered | undefined;
  let body: OutgoingBody | undefined;
  const outparam = new ResponseOutparam((given) => {
    answered = given;
    if (given.tag === 'err') return;
    const { val: response } = given;
    exchange.begin({ status: response.statusCode(), headers: response.headers().entries() });
    body = OutgoingResponse.bodyOf(response);
    body?.connect(exchange.sink);
  });
  try {
    exports.incomingHandler.handle(new IncomingRequest(head, exchange), outparam);
    if (answered === undefined) throw new BrokenAnswer('the component did not answer');
    if (answered.tag === 'err') {
      return { broken: `the component answered with an error: ${answered.val.tag}` };
    }
    if (body !== undefined && !body.isFinished) {
      throw new BrokenAnswer("the component's answer has no end");
    }
    const rest = exchange.end(body?.trailers?.entries() ?? []);
    return move(
      rest,
      rest.body.map((it) => it.buffer),
    );
  } finally {
    setExchange(undefined);
    exchange.close();
  }
}

serveTasks(async () => {
  const settings: ThreadSettings = workerData.wasmPoolHttp;
  const own = settings.module === undefined ? {} : await importModule(settings.module);
  const send = settings.output && sendOutput(settings.output);
  const imports = async (instance: TaskInstance) => {
    const { name } = instance;
    const write = (stream: 'stdout' | 'stderr', chunk: Uint8Array<ArrayBuffer>) => {
      if (send === undefined) process[stream].write(chunk);
      else send({ instance: name, stream, chunk });
    };
    const log = (line: string) => write('stderr', new TextEncoder().encode(line));
    const dropped = instance instanceof PooledInstance ? instance.dropped : undefined;
    const given = typeof own.imports === 'function' ? await own.imports(instance) : own.imports;
    return {
      ...threadWasi({ ...settings, dropped, write }, name),
      ...loggingInterfaces(log),
      ...(settings.config && configInterfaces(settings.config)),
      ...(settings.hasKeyvalue && keyvalueInterfaces(instance.hosts.keyvalue as OperateOnStore)),
      ...given,
    };
  };
  return { handle, imports };
});
