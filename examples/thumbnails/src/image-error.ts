import type { RefusalCode } from './thumbnail.js';

/** An image that gets no thumbnail. */
export class ImageError extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.name = 'ImageError';
    this.code = code;
  }
}
