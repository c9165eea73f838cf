// The program on Node.js by `import`, and on Deno and Bun, which read the same files.
import * as core from '@wasm-pool/core';
import * as adapter from '@wasm-pool/wasm-adapter';
import { runOnServer } from './run-on-server.mjs';

await runOnServer(core, adapter);
