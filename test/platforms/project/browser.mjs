// The program on a page without a bundler: the page's import map says where the packages are.
import * as core from '@wasm-pool/core';
import * as adapter from '@wasm-pool/wasm-adapter';
import { runOnPage } from './run-on-page.mjs';

await runOnPage(core, adapter, { module: new URL('/program/tasks.js', location) });
