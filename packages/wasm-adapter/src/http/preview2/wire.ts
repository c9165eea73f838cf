import type { HeaderList } from '../headers.js';

// What goes between the thread of an instance and the one that serves, for one request. The thread
// blocks while its component waits: it is woken through shared memory, and then reads its port.

/** A request as it goes to a thread. `body` is there where it is known in full. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly scheme: string;
  readonly authority: string | undefined;
  readonly headers: HeaderList;
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

/** How an answer begins. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: HeaderList;
}

/** The part of an answer that is not sent yet when the component has returned. */
export interface AnswerRest {
  /** undefined: it was sent ahead. */
  readonly head: AnswerHead | undefined;
  readonly body: readonly Uint8Array<ArrayBuffer>[];
  readonly trailers: HeaderList;
}

/** A request of the component to another server. */
export interface SentRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderList;
  readonly hasBody: boolean;
  readonly firstByteTimeoutMillis: number | undefined;
  readonly betweenBytesTimeoutMillis: number | undefined;
}

/** From the thread. Numbers in `id` are of requests that it sends. */
export type FromThread =
  | { readonly answer: AnswerHead | undefined; readonly body: readonly Uint8Array<ArrayBuffer>[] }
  /** It waits for the request's body, or does not any more. */
  | { readonly waits: 'body' | 'client' | 'other' | 'nothing' }
  | { readonly taken: number }
  | { readonly send: SentRequest; readonly id: number }
  | { readonly id: number; readonly chunk: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly end: true }
  | { readonly id: number; readonly taken: number }
  | { readonly id: number; readonly drop: true };

/** To the thread. */
export type ToThread =
  | { readonly chunk: Uint8Array<ArrayBuffer> }
  | { readonly end: HeaderList }
  | { readonly broken: string }
  /** The client has taken so many bytes of the answer. */
  | { readonly room: number }
  /** The client takes no more. */
  | { readonly closed: true }
  | { readonly id: number; readonly head: AnswerHead }
  | { readonly id: number; readonly chunk: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly end: true }
  | { readonly id: number; readonly error: { readonly tag: string; readonly val?: unknown } }
  | { readonly id: number; readonly room: number };

/** How many bytes may be under way in one direction before the other side has taken some. */
export const WINDOW_BYTES = 2 ** 18;
