import type { Chunks } from '../component-exchange.js';
import type { HeaderList } from '../headers.js';

export interface ShimRequest {
  setMethod(method: { readonly tag: string; readonly val?: string }): void;
  setScheme(scheme: { readonly tag: string; readonly val?: string }): void;
  setAuthority(authority: string | undefined): void;
  setPathWithQuery(path: string | undefined): void;
}

export interface ShimResponse {
  getStatusCode(): number;
  getHeaders(): { copyAll(): HeaderList };
}

interface Fields {
  copyAll(): HeaderList;
}

/** Chunks until there are none: then null. */
export interface ShimBody {
  read(): Promise<Uint8Array<ArrayBuffer> | null>;
  cancel(): Promise<void>;
  close(): void;
}

/** What a future of trailers comes to. */
export interface TrailersResult {
  readonly tag: string;
  readonly val?: Fields | null | undefined;
}

/** As much as is used of preview3-shim. Its types have streams of the platform where it has readers of its own. */
export interface Shim {
  readonly http: {
    readonly types: {
      readonly Fields: {
        fromList(headers: HeaderList): object;
        _fromEntriesChecked(headers: HeaderList): object;
      };
      readonly Request: {
        new: (
          headers: object,
          body: object | undefined,
          trailers: PromiseLike<unknown>,
          options: null,
        ) => [ShimRequest];
      };
      readonly Response: {
        consumeBody(
          response: ShimResponse,
          received: PromiseLike<unknown>,
        ): [ShimBody | null, PromiseLike<TrailersResult>];
      };
    };
  };
  readonly stream: { readonly StreamReader: new (chunks: Chunks) => object };
  readonly future: { readonly FutureReader: new (value: Promise<unknown>) => PromiseLike<unknown> };
}

const METHODS = ['get', 'head', 'post', 'put', 'delete', 'connect', 'options', 'trace', 'patch'];

/** wasi:http's variant for a method's name. */
export function methodOf(method: string): { readonly tag: string; readonly val?: string } {
  const tag = method.toLowerCase();
  return METHODS.includes(tag) ? { tag } : { tag: 'other', val: method };
}

/** wasi:http's variant for a scheme. */
export function schemeOf(scheme: string): { readonly tag: string; readonly val?: string } {
  const tag = scheme.toUpperCase();
  return tag === 'HTTP' || tag === 'HTTPS' ? { tag } : { tag: 'other', val: scheme };
}
