// The program in a route handler.
import * as core from '@wasm-pool/core';
import * as adapter from '@wasm-pool/wasm-adapter';
import { checkOnServer } from '../../run-on-server.mjs';

export const dynamic = 'force-dynamic';

export async function GET() {
  return Response.json(await checkOnServer(core, adapter));
}
