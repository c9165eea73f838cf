/**
 * Components for `wasi:http` as what answers HTTP requests.
 *
 * @module
 */
export { createHttpComponent } from './create-http-component.js';
export type { HttpPreview } from './detect-world.js';
export type { HttpComponent, HttpFetchOptions } from './http-component.js';
export { HttpError, type HttpErrorCode } from './http-error.js';
export type { ComponentOutput, HttpComponentOptions } from './http-options.js';
export type { KeyValueData } from './interfaces/keyvalue-store.js';
export type { HttpListener } from './listener.js';
export {
  type HttpComponentServer,
  type ServeOptions,
  serveHttpComponent,
} from './serve-http-component.js';
