/**
 * Whether this is what a platform says that makes no code of bytes at run time: workerd, and a page whose
 * Content-Security-Policy has no 'wasm-unsafe-eval'.
 */
export function isCompilingForbidden(error: unknown): error is WebAssembly.CompileError {
  return (
    error instanceof WebAssembly.CompileError &&
    /disallowed by embedder|refused to compile|content security policy|csp/i.test(error.message)
  );
}

/** What is accepted there. */
export const WHERE_COMPILING_IS_FORBIDDEN =
  "a WebAssembly.Module from an import, as of `import module from './plugin.wasm'`; on a page, 'wasm-unsafe-eval' in the script-src of its Content-Security-Policy";

/**
 * Whether bytes of this length can be compiled without a promise: pages refuse that from 8 MiB on, for
 * nothing else could happen there meanwhile.
 */
export function compilesAtOnce(length: number): boolean {
  return !('document' in globalThis) || length < 4 * 2 ** 20;
}
