import { WasmError } from '../errors.js';

/** Which preview of wasi:http a component is for. */
export type HttpPreview = 2 | 3;

const PREVIEW_2 = /^wasi:http\/incoming-handler@0\.2(\.|$)/;
const PREVIEW_3 = /^wasi:http\/handler@0\.3(\.|$|-)/;

/** Says which, by the names that a component exports. Throws a `WasmError` `ERR_WASM_COMPONENT` where it is none. */
export function detectPreview(exported: readonly string[], name: string): HttpPreview {
  if (exported.some((it) => PREVIEW_3.test(it))) return 3;
  if (exported.some((it) => PREVIEW_2.test(it))) return 2;
  const shown = exported.length > 0 ? exported.join(', ') : 'nothing';
  const message = `${name} is no component for HTTP: it exports ${shown}; accepted: one that exports wasi:http/incoming-handler@0.2 or wasi:http/handler@0.3`;
  throw new WasmError('ERR_WASM_COMPONENT', message);
}
