import { monotonicClock } from '@bytecodealliance/preview2-shim/clocks';
import { types } from '@bytecodealliance/preview2-shim/http';
import { streams } from '@bytecodealliance/preview2-shim/io';
import type { Headers } from './headers.js';

export interface Fields {
  entries(): Headers;
}

/** The shim's resources, which its types say nobody else may make. jco takes no others for its own. */
export const shim = {
  ...(types as unknown as {
    Fields: { fromList(headers: Headers): Fields };
    IncomingRequest: new () => object;
    IncomingBody: new () => object;
    OutgoingResponse: new (headers: Fields) => { statusCode(): number; headers(): Fields };
    OutgoingBody: (new () => object) & {
      finish(body: object, trailers: Fields | undefined): void;
    };
    ResponseOutparam: new () => object;
  }),
  ...(streams as unknown as { InputStream: new () => object; OutputStream: new () => object }),
};

/** A pollable that is ready: what is in memory need not be waited for. */
export function ready(): object {
  return monotonicClock.subscribeDuration(0n);
}

/** What jco takes for the error of a WIT `result`, when an import throws it. */
export function resultError(payload: unknown): Error {
  return Object.assign(new Error(JSON.stringify(payload)), { payload });
}
