/** The pictures, each scaled by a thread of the pool. */
export class Gallery {
  #list;
  #pool;
  #wanted;
  #pictures = [];

  /** @param wanted gives the size and the format that are chosen now */
  constructor(list, pool, wanted) {
    this.#list = list;
    this.#pool = pool;
    this.#wanted = wanted;
  }

  add(files) {
    for (const file of files) {
      const picture = { file, aborter: new AbortController(), ...figureFor(file) };
      this.#pictures.push(picture);
      this.#list.append(picture.figure);
      void this.#scale(picture);
    }
  }

  /** Scales all pictures anew. What is under way for the last choice is given up. */
  scaleAll() {
    for (const picture of this.#pictures) void this.#scale(picture);
  }

  async #scale(picture) {
    const { file, image, note } = picture;
    picture.aborter.abort();
    picture.aborter = new AbortController();
    const { signal } = picture.aborter;
    note.textContent = 'waiting for a thread';
    image.classList.add('stale');
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      const wanted = this.#wanted();
      const scaled = await this.#pool.call('scale', [bytes, wanted], { signal });
      if (scaled === undefined) throw new Error('the codec cannot read this picture');
      URL.revokeObjectURL(image.src);
      image.src = URL.createObjectURL(new Blob([scaled.bytes], { type: `image/${wanted.format}` }));
      image.classList.remove('stale');
      note.textContent = `${scaled.width} × ${scaled.height}, ${kib(file.size)} → ${kib(scaled.bytes.length)}\n${Math.round(scaled.millis)} ms on ${scaled.madeBy}`;
    } catch (error) {
      if (signal.aborted) return; // another size was chosen
      note.textContent = error.message;
      note.classList.add('failed');
    }
  }
}

function figureFor(file) {
  const figure = document.createElement('figure');
  const mat = document.createElement('div');
  const image = document.createElement('img');
  const caption = document.createElement('figcaption');
  const name = document.createElement('b');
  const note = document.createElement('span');
  mat.className = 'mat';
  image.alt = file.name;
  name.textContent = file.name;
  mat.append(image);
  caption.append(name, note);
  figure.append(mat, caption);
  return { figure, image, note };
}

const kib = (bytes) => `${(bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0)} KiB`;
