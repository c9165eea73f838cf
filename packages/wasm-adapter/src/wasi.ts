import type { WASI, WASIOptions } from 'node:wasi';

/** node:wasi's options, but for `version` and `returnOnExit`, which are the pool's to say. */
export type WasiOptions = Omit<WASIOptions, 'version' | 'returnOnExit'>;

/**
 * A WASI preview 1 context from node:wasi, for one instance. Nothing is preopened, and there are no
 * arguments and no environment, unless `options` has them.
 */
export async function wasiContext(module: WebAssembly.Module, options: WasiOptions): Promise<WASI> {
  // Loaded on use: it prints an ExperimentalWarning.
  const wasi = await import('node:wasi');
  const old = WebAssembly.Module.imports(module).some((it) => it.module === 'wasi_unstable');
  return new wasi.WASI({ ...options, version: old ? 'unstable' : 'preview1', returnOnExit: true });
}
