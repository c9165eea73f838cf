// The program on Node.js by `require`.
const core = require('@wasm-pool/core');
const adapter = require('@wasm-pool/wasm-adapter');

import('./run-on-server.mjs').then(({ runOnServer }) => runOnServer(core, adapter));
