// Runs on a thread of its own, which `transpile` starts for one component and ends afterwards.
import { parentPort, workerData } from 'node:worker_threads';
import { ModuleLimits } from '../module/limits.js';
import { moduleShape } from '../module/module-shape.js';
import { rewriteModule } from '../module/rewrite.js';
import { importModule } from '../platform/import-module.js';
import { withoutCustomSections } from './custom-sections.js';

/** What a thread is to transpile. */
export interface JcoJob {
  /** The URL of jco-transpile's module that is the transpiler and nothing else. */
  readonly jco: string;
  readonly bytes: Uint8Array;
  /** As `generate` takes them: see `generateOptions`. */
  readonly options: object;
  /** Whether all sections are understood, so that the custom ones can be left out. */
  readonly strip: boolean;
  /** The most memory that jco's own WebAssembly may have. */
  readonly memoryBytes: number;
  /** The longest JavaScript that is taken of jco, in bytes. */
  readonly codeBytes: number;
}

/** What becomes of it. */
export type JcoResult =
  | {
      readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
      /** jco's own modules, compiled: as long as one thread has them, others need not compile them. */
      readonly compiled: readonly WebAssembly.Module[];
    }
  | { readonly error: string; readonly trapped: boolean };

/** As much as is used of `@bytecodealliance/jco-transpile/component`. */
interface Jco {
  readonly $init: PromiseLike<unknown>;
  generate(
    component: Uint8Array,
    options: object,
  ): { files: readonly (readonly [name: string, content: Uint8Array<ArrayBuffer>])[] };
}

async function runJob(job: JcoJob): Promise<JcoResult> {
  const compiled = limitMemories(job.memoryBytes);
  const jco = await importModule<Jco>(job.jco);
  await jco.$init;
  const stripped = job.strip ? withoutCustomSections(job.bytes) : undefined;
  const { files } = jco.generate(stripped?.bytes ?? job.bytes, job.options);
  const results = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [name, content] of files) {
    if (name.endsWith('.wasm')) results.set(name, stripped?.original(content) ?? content);
    else if (content.length <= job.codeBytes) results.set(name, content);
    else throw new Error(`its code has ${content.length} bytes; accepted: ${job.codeBytes}`);
  }
  return { files: results, compiled };
}

/**
 * Lowers the maximum of the memories of modules that are compiled from now on, which are jco's own.
 * Returns where these come.
 */
function limitMemories(memoryBytes: number): WebAssembly.Module[] {
  const { compile } = WebAssembly;
  const limits = new ModuleLimits({ memoryBytes });
  const compiled: WebAssembly.Module[] = [];
  WebAssembly.compile = async (bytes, ...rest) => {
    const given = ArrayBuffer.isView(bytes)
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      : new Uint8Array(bytes);
    const shape = moduleShape(given, false);
    limits.checkShape('jco', shape);
    const module = await compile(
      rewriteModule(given.slice(), shape, limits.changes(shape)),
      ...rest,
    );
    compiled.push(module);
    return module;
  };
  return compiled;
}

runJob(workerData as JcoJob)
  .catch((error: unknown): JcoResult => {
    const trapped = error instanceof WebAssembly.RuntimeError;
    return { error: error instanceof Error ? error.message : String(error), trapped };
  })
  .then((result) => parentPort?.postMessage(result));
