// The program on workerd, as wrangler bundles it: modules are imported, for bytes are not compiled there.
import * as core from '@wasm-pool/core';
import * as adapter from '@wasm-pool/wasm-adapter';
import adder from './guests/adder/adder.core.wasm';
import { instantiate } from './guests/adder/adder.js';
import asker from './guests/asker.wasm';
import counter from './guests/counter.wasm';
import tool from './guests/tool.wasm';
import { runChecks } from './program/checks.js';

export default {
  async fetch() {
    const results = await runChecks({
      core,
      adapter,
      guests: { counter, asker, tool },
      folder: '/tmp',
      component: { instantiate, modules: () => adder },
    });
    return Response.json(results);
  },
};
