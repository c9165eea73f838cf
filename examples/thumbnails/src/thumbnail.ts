/** The longest side of a thumbnail, in pixels. */
export const SIZES = [160, 320, 640] as const;
export const FORMATS = ['webp', 'jpeg', 'avif'] as const;

/** What a thumbnail is to be like. */
export interface Wanted {
  readonly size: (typeof SIZES)[number];
  readonly format: (typeof FORMATS)[number];
}

export interface Thumbnail {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
  /** The name of the instance that made it. */
  readonly madeBy: string;
  /** From decoding to encoding, on its thread. */
  readonly ranMillis: number;
}

export type RefusalCode = 'ERR_IMAGE_TYPE' | 'ERR_IMAGE_PIXELS' | 'ERR_IMAGE_BROKEN';

/** Why an image gets no thumbnail: the image's fault, and said to who sent it. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
}
