import { type ComponentWasiOptions, move, type WasmInstance } from '@wasm-pool/wasm-adapter';
import { readWasi } from './config.js';
import { type Asked, Request } from './preview2-request.js';
import { type Answer, OutgoingBody, OutgoingResponse, Outparam } from './preview2-response.js';

/** The world wasi:http/proxy@0.2, as jco gives it. */
interface Proxy {
  readonly incomingHandler: { handle(request: Request, outparam: Outparam): void };
}

export const wasi: ComponentWasiOptions = readWasi(process.env);

/** In the place of the shim's, whose answers go to a server of its own. */
export const imports = {
  'wasi:http/types': { OutgoingResponse, OutgoingBody, ResponseOutparam: Outparam },
};

/** Has an instance answer a request. */
export function handle({ exports }: WasmInstance<Proxy>, asked: Asked): Answer {
  const outparam = new Outparam();
  exports.incomingHandler.handle(new Request(asked), outparam);
  const answer = outparam.answer();
  return 'error' in answer ? answer : move(answer, [answer.body.buffer]);
}
