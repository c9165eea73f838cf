import { createHash } from 'node:crypto';
import type { Photo } from './photos.js';
import type { Thumbnail, Wanted } from './thumbnail.js';
import type { Thumbnailer } from './thumbnailer.js';

export interface Kept extends Thumbnail {
  readonly etag: string;
}

/** The thumbnails of our own photos: each is made once, however many ask for it meanwhile. */
export class Gallery {
  readonly #thumbnailer: Thumbnailer;
  readonly #kept = new Map<string, Promise<Kept>>();

  constructor(thumbnailer: Thumbnailer) {
    this.#thumbnailer = thumbnailer;
  }

  get({ id, bytes }: Photo, wanted: Wanted): { kept: Promise<Kept>; isNew: boolean } {
    const key = `${id} ${wanted.size} ${wanted.format}`;
    const found = this.#kept.get(key);
    if (found !== undefined) return { kept: found, isNew: false };
    const kept = this.#make(bytes, wanted);
    this.#kept.set(key, kept);
    kept.catch(() => this.#kept.delete(key));
    return { kept, isNew: true };
  }

  async #make(photo: Uint8Array, wanted: Wanted): Promise<Kept> {
    const made = await this.#thumbnailer.thumbnail(photo, wanted);
    const etag = `"${createHash('sha256').update(made.bytes).digest('base64url')}"`;
    return { ...made, etag };
  }
}
