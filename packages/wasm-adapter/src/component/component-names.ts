import { ByteReader } from '../module/byte-reader.js';

/**
 * What a name is of.
 *
 * - `core`: of a core module or core instance; WebAssembly lets it be any text.
 * - `extern`: of an import or export of a component or an instance.
 * - `label`: of a parameter, field, case or flag.
 */
export type NameKind = 'core' | 'extern' | 'label';

/** Is called with each name of a component, in the order in which they stand in its bytes. */
export type OnName = (name: string, kind: NameKind) => void;

/** Both kinds of sections by their numbers: Component Model, Binary.md; WebAssembly Core, 5.5.2. */
const Section = {
  custom: 0,
  coreModule: 1,
  coreInstance: 2,
  coreType: 3,
  component: 4,
  instance: 5,
  alias: 6,
  type: 7,
  canon: 8,
  start: 9,
  import: 10,
  export: 11,
} as const;
const CoreSection = { import: 2, export: 7 } as const;

const PREAMBLE_BYTES = 8;

/** How deeply components may stand in components, or types in types. A stack overflow would hide the cause. */
const MAX_DEPTH = 100;

/**
 * Reads all names of a component: its own, of the components and core modules in it, and of the types
 * that it declares. Those in custom sections are left out: see `withoutCustomSections`.
 *
 * Throws a RangeError at what it does not know: then there may be names that it has not seen.
 */
export function readNames(bytes: Uint8Array, onName: OnName): void {
  new NameReader(bytes, onName, 0).component();
}

class NameReader extends ByteReader {
  readonly #onName: OnName;
  readonly #depth: number;

  constructor(bytes: Uint8Array, onName: OnName, depth: number) {
    super(bytes, PREAMBLE_BYTES);
    if (depth > MAX_DEPTH) throw new RangeError(`components within more than ${MAX_DEPTH} others`);
    this.#onName = onName;
    this.#depth = depth;
  }

  component(): void {
    this.#sections((id, content) => {
      switch (id) {
        case Section.coreModule:
          new NameReader(content(), this.#onName, this.#depth + 1).coreModule();
          break;
        case Section.component:
          new NameReader(content(), this.#onName, this.#depth + 1).component();
          break;
        case Section.coreInstance:
          this.#each(() => this.#coreInstance());
          break;
        case Section.coreType:
          this.#each(() => this.#coreType(0));
          break;
        case Section.instance:
          this.#each(() => this.#instance());
          break;
        case Section.alias:
          this.#each(() => this.#alias());
          break;
        case Section.type:
          this.#each(() => this.#type(0));
          break;
        case Section.import:
          this.#each(() => {
            this.#externName();
            this.#externType();
          });
          break;
        case Section.export:
          this.#each(() => {
            this.#externName();
            this.#sortIndex();
            this.#optional(() => this.#externType());
          });
          break;
        case Section.custom:
        case Section.canon:
        case Section.start:
          content(); // there are no names in it that are ours to read
          return;
        default:
          throw new RangeError(`a section ${id} in a component`);
      }
    });
  }

  coreModule(): void {
    this.#sections((id, content) => {
      if (id === CoreSection.import) return this.#each(() => this.#coreImport());
      if (id !== CoreSection.export) {
        content();
        return;
      }
      this.#each(() => {
        this.#name('core');
        this.skip(1); // its kind
        this.skipNumber();
      });
    });
  }

  /** Calls `read` for each section, which takes its content as a whole or reads exactly that. */
  #sections(read: (id: number, content: () => Uint8Array) => void): void {
    while (this.at < this.bytes.length) {
      const id = this.byte();
      const size = this.unsigned();
      const end = this.at + size;
      if (end > this.bytes.length) throw new RangeError(`a section ${id} that ends too late`);
      read(id, () => {
        const content = this.bytes.subarray(this.at, end);
        this.at = end;
        return content;
      });
      if (this.at !== end) throw new RangeError(`a section ${id} with more than is known`);
    }
  }

  /** As `vector`, which keeps an array of what was read. */
  #each(read: () => void): void {
    for (let count = this.unsigned(); count > 0; count--) read();
  }

  #optional(read: () => void): void {
    const flag = this.byte();
    if (flag === 1) read();
    else if (flag !== 0) throw new RangeError(`${flag} where an optional part begins`);
  }

  #name(kind: NameKind): void {
    const name = this.name();
    if (name.includes('\ufffd')) throw new RangeError('a name that is no UTF-8');
    this.#onName(name, kind);
  }

  /** The rule `nameattributes`: a name, and what it implements, or the rest of its version. */
  #externName(): void {
    const form = this.byte();
    if (form > 2) throw new RangeError(`a name of form ${form}`);
    this.#name('extern');
    if (form < 2) return;
    this.#each(() => {
      const attribute = this.byte();
      if (attribute > 2) throw new RangeError(`an attribute ${attribute} of a name`);
      this.#name(attribute === 0 ? 'extern' : 'core');
    });
  }

  #coreInstance(): void {
    const form = this.byte();
    if (form === 0) {
      this.skipNumber();
      this.#each(() => {
        this.#name('core');
        this.skip(1); // the sort: an instance
        this.skipNumber();
      });
    } else if (form === 1) {
      this.#each(() => {
        this.#name('core');
        this.skip(1);
        this.skipNumber();
      });
    } else throw new RangeError(`a core instance of form ${form}`);
  }

  #instance(): void {
    const form = this.byte();
    if (form === 0) {
      this.skipNumber();
      this.#each(() => {
        this.#name('extern');
        this.#sortIndex();
      });
    } else if (form === 1) {
      this.#each(() => {
        this.#externName();
        this.#sortIndex();
      });
    } else throw new RangeError(`an instance of form ${form}`);
  }

  #sort(): void {
    if (this.byte() === 0) this.skip(1); // the core sort
  }

  #sortIndex(): void {
    this.#sort();
    this.skipNumber();
  }

  #alias(): void {
    this.#sort();
    const form = this.byte();
    if (form > 2) throw new RangeError(`an alias of form ${form}`);
    this.skipNumber();
    if (form === 2) this.skipNumber();
    else this.#name(form === 0 ? 'extern' : 'core');
  }

  #externType(): void {
    const sort = this.byte();
    if (sort === 0) {
      this.skip(1); // core module
      this.skipNumber();
    } else if (sort === 3) {
      const bound = this.byte();
      if (bound === 0) this.skipNumber();
      else if (bound !== 1) throw new RangeError(`a bound ${bound} of a type`);
    } else if (sort === 1 || sort === 4 || sort === 5) this.skipNumber();
    else throw new RangeError(`an external type of sort ${sort}`);
  }

  /** A primitive type or the index of another. */
  #valueType(): void {
    this.skipNumber();
  }

  #labelled(): void {
    this.#name('label');
    this.#valueType();
  }

  /** The rule `deftype`. */
  #type(depth: number): void {
    if (depth > MAX_DEPTH) throw new RangeError(`types within more than ${MAX_DEPTH} others`);
    const form = this.byte();
    if ((form >= 0x73 && form <= 0x7f) || form === 0x64) return; // primitive
    switch (form) {
      case 0x72: // record
        this.#each(() => this.#labelled());
        break;
      case 0x71: // variant
        this.#each(() => {
          this.#name('label');
          this.#optional(() => this.#valueType());
          this.#optional(() => this.skipNumber());
        });
        break;
      case 0x70: // list
      case 0x6b: // option
      case 0x69: // own
      case 0x68: // borrow
        this.skipNumber();
        break;
      case 0x67: // list of a fixed length
      case 0x63: // map
        this.#valueType();
        this.skipNumber();
        break;
      case 0x6f: // tuple
        this.#each(() => this.#valueType());
        break;
      case 0x6e: // flags
      case 0x6d: // enum
        this.#each(() => this.#name('label'));
        break;
      case 0x6a: // result
        this.#optional(() => this.#valueType());
        this.#optional(() => this.#valueType());
        break;
      case 0x66: // stream
      case 0x65: // future
        this.#optional(() => this.#valueType());
        break;
      case 0x3f: // resource
        this.skip(1); // its representation
        this.#optional(() => this.skipNumber());
        break;
      case 0x40: // function
      case 0x43: // async function
        this.#each(() => this.#labelled());
        if (this.byte() === 0) this.#valueType();
        else this.#each(() => this.#labelled()); // named results, as the format had them once
        break;
      case 0x41: // component
      case 0x42: // instance
        this.#each(() => this.#declaration(depth));
        break;
      default:
        throw new RangeError(`a type of form ${form}`);
    }
  }

  #declaration(depth: number): void {
    const form = this.byte();
    switch (form) {
      case 0:
        this.#coreType(depth + 1);
        break;
      case 1:
        this.#type(depth + 1);
        break;
      case 2:
        this.#alias();
        break;
      case 3: // import
      case 4: // export
        this.#externName();
        this.#externType();
        break;
      default:
        throw new RangeError(`a declaration of form ${form}`);
    }
  }

  #coreType(depth: number): void {
    if (depth > MAX_DEPTH) throw new RangeError(`types within more than ${MAX_DEPTH} others`);
    const form = this.byte();
    if (form === 0x60) {
      this.#each(() => this.#coreValueType());
      this.#each(() => this.#coreValueType());
    } else if (form === 0x50) this.#each(() => this.#coreDeclaration(depth));
    else throw new RangeError(`a core type of form ${form}`);
  }

  #coreDeclaration(depth: number): void {
    const form = this.byte();
    if (form === 0) this.#coreImport();
    else if (form === 1) this.#coreType(depth + 1);
    else if (form === 2) {
      this.skip(2); // an outer alias of a type
      this.skipNumber();
      this.skipNumber();
    } else if (form === 3) {
      this.#name('core');
      this.#coreExternType();
    } else throw new RangeError(`a declaration of form ${form} in a core module's type`);
  }

  #coreImport(): void {
    this.#name('core');
    this.#name('core');
    this.#coreExternType();
  }

  #coreExternType(): void {
    const kind = this.byte();
    if (kind === 0) this.skipNumber();
    else if (kind === 1) {
      this.#coreValueType();
      this.#limits();
    } else if (kind === 2) this.#limits();
    else if (kind === 3) {
      this.#coreValueType();
      this.skip(1); // whether it is mutable
    } else if (kind === 4) {
      this.skip(1); // the attribute of a tag
      this.skipNumber();
    } else throw new RangeError(`an import of kind ${kind}`);
  }

  #coreValueType(): void {
    const type = this.byte();
    if (type === 0x63 || type === 0x64) this.skipNumber(); // the heap type of a reference
  }

  #limits(): void {
    const flags = this.byte();
    if (flags > 0x0f) throw new RangeError(`limits with the flags ${flags}`);
    this.skipNumber();
    if (flags & 1) this.skipNumber();
    if (flags & 8) this.skipNumber(); // a page size of its own
  }
}

/** The names under which a component itself exports something. Throws a RangeError at what it does not know. */
export function exportedNames(bytes: Uint8Array): string[] {
  const names: string[] = [];
  const reader = new ByteReader(bytes, PREAMBLE_BYTES);
  while (reader.at < bytes.length) {
    const start = reader.at;
    const id = reader.byte();
    const size = reader.unsigned();
    const end = reader.at + size;
    if (id === Section.export) {
      // A component with that one section, in which the first name of each export is its own.
      const one = new Uint8Array(PREAMBLE_BYTES + end - start);
      one.set(bytes.subarray(start, end), PREAMBLE_BYTES);
      readNames(one, (name, kind) => {
        if (kind === 'extern') names.push(name);
      });
    }
    reader.at = end;
  }
  return names;
}
