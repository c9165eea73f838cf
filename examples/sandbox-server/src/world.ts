import {
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
  type QuickJSWASMModule,
  Scope,
  type VmFunctionImplementation,
} from 'quickjs-emscripten-core';
import { prelude } from './prelude.js';

type Ffi = ReturnType<QuickJSWASMModule['getFFI']>;

/** Memory that is given up when a script used all other, so that it can be told of that. */
const RESERVE_BYTES = 256 * 1024;

/** Where in an engine's memory a world is. It is the same place in every copy of the engine. */
export interface WorldPointers {
  readonly runtime: ReturnType<Ffi['QTS_NewRuntime']>;
  readonly context: ReturnType<Ffi['QTS_NewContext']>;
  readonly helpers: ReturnType<Ffi['QTS_NewObject']>;
  readonly reserve: ReturnType<Ffi['QTS_NewObject']>;
}

/** What a script runs in: a context in which the prelude has run. */
export interface World {
  readonly pointers: WorldPointers;
  readonly runtime: QuickJSRuntime;
  readonly context: QuickJSContext;
  /** What the prelude gave to the host. */
  readonly helpers: QuickJSHandle;
  readonly reserve: QuickJSHandle;
}

/** The functions of the host that the prelude calls, for one context. */
export type HostFunctions = (context: QuickJSContext) => {
  readonly write: VmFunctionImplementation<QuickJSHandle>;
  readonly sleep: VmFunctionImplementation<QuickJSHandle>;
};

/** Makes a world in an engine: that takes about a millisecond. */
export function openWorld(
  engine: QuickJSWASMModule,
  stackBytes: number,
  host: HostFunctions,
): World {
  const pointer = engine.getFFI().QTS_NewRuntime();
  const runtime = runtimeAt(engine, pointer);
  runtime.setMaxStackSize(stackBytes);
  const context = runtime.newContext();
  const { write, sleep } = host(context);
  return Scope.withScope((scope) => {
    // In the order in which resumeWorld registers them.
    const functions = [
      scope.manage(context.newFunction('write', write)),
      scope.manage(context.newFunction('sleep', sleep)),
    ];
    const start = scope.manage(context.unwrapResult(context.evalCode(prelude, 'prelude.js')));
    const helpers = context.unwrapResult(
      context.callFunction(start, context.undefined, ...functions),
    );
    const reserve = context.newArrayBuffer(new ArrayBuffer(RESERVE_BYTES));
    const pointers: WorldPointers = {
      runtime: pointer,
      context: context.getMemory(pointer).ctx.value,
      helpers: helpers.value as WorldPointers['helpers'],
      reserve: reserve.value as WorldPointers['reserve'],
    };
    return { pointers, runtime, context, helpers, reserve };
  });
}

/** Takes up a world that is in an engine already: of the engine's code, next to nothing runs. */
export function resumeWorld(
  engine: QuickJSWASMModule,
  pointers: WorldPointers,
  host: HostFunctions,
): World {
  const runtime = runtimeAt(engine, pointers.runtime);
  const context = runtime.newContext({ contextPointer: pointers.context });
  const { write, sleep } = host(context);
  // The world knows them by their numbers, which count up.
  runtime.hostRefs.put(write);
  runtime.hostRefs.put(sleep);
  const memory = context.getMemory(pointers.runtime);
  return {
    pointers,
    runtime,
    context,
    helpers: memory.heapValueHandle(pointers.helpers),
    reserve: memory.heapValueHandle(pointers.reserve),
  };
}

/** What stands in JavaScript for a runtime that is there: the library makes one only with a new one. */
function runtimeAt(engine: QuickJSWASMModule, pointer: WorldPointers['runtime']): QuickJSRuntime {
  const ffi = engine.getFFI();
  const { QTS_NewRuntime: make } = ffi;
  ffi.QTS_NewRuntime = () => pointer;
  try {
    return engine.newRuntime();
  } finally {
    ffi.QTS_NewRuntime = make;
  }
}
