// Real libraries, as their READMEs use them: how each is loaded for one instance, and what it is asked.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import {
  at,
  bytesAt,
  bytesOfLoader,
  emscripten,
  importCopy,
  type Loose,
  runCommonJs,
  type World,
} from './world.ts';

export interface Library {
  readonly name: string;
  /** What npm installs. */
  readonly packages: readonly string[];
  /** Its JavaScript keeps nothing of a loan, so that `restore` may put its instances back. */
  readonly statelessLoader?: boolean;
  /** How many questions each borrower asks: fewer where an instance takes seconds to start. Default 4. */
  readonly questions?: number;
  /** The module's bytes. */
  bytes(): Uint8Array | Promise<Uint8Array>;
  /** Makes what answers, in one world. */
  load(world: World): Promise<(question: number) => unknown>;
}

const css = (n: number) => `.a${n} { color: rgb(${n % 256}, 0, 0); margin: ${n}px ${n}px }`;
const js = (n: number) =>
  `const first = ${n}; function f${n}(x) { return x + first * ${n} } f${n}(1)`;

/** A loader that compiles what is within its JavaScript. */
function inlined(
  name: string,
  packages: readonly string[],
  load: (world: World) => Promise<(question: number) => unknown>,
): Library {
  return { name, packages, load, statelessLoader: true, bytes: () => bytesOfLoader(load) };
}

export const libraries: readonly Library[] = [
  {
    name: 'sql.js',
    packages: ['sql.js@1.16.0'],
    statelessLoader: true,
    bytes: () => bytesAt('sql.js/dist/sql-wasm.wasm'),
    async load(world) {
      const SQL = await runCommonJs('sql.js/dist/sql-wasm.js', world)(emscripten(world));
      return (n) => {
        const db = new SQL.Database();
        db.run('create table t(x int, y text)');
        for (let row = 0; row < 20; row++)
          db.run('insert into t values (?, ?)', [row * n, `r${row}`]);
        const answer = db.exec(`select sum(x), max(y) from t where x > ${n}`);
        db.close();
        return answer;
      };
    },
  },
  {
    name: 'web-tree-sitter',
    packages: ['web-tree-sitter@0.27.2', 'tree-sitter-javascript@0.25.0'],
    statelessLoader: true,
    bytes: () => bytesAt('web-tree-sitter/web-tree-sitter.wasm'),
    async load(world) {
      const { Parser, Language } = runCommonJs('web-tree-sitter/web-tree-sitter.cjs', world);
      await Parser.init(emscripten(world));
      const language = await Language.load(
        bytesAt('tree-sitter-javascript/tree-sitter-javascript.wasm'),
      );
      return (n) => {
        const parser = new Parser();
        parser.setLanguage(language);
        const tree = parser.parse(js(n)); // left to its finalizer, as its users do
        return tree.rootNode.toString();
      };
    },
  },
  {
    name: 'mupdf',
    packages: ['mupdf@1.28.1'],
    bytes: () => bytesAt('mupdf/dist/mupdf-wasm.wasm'),
    async load(world) {
      Object.assign(globalThis, { $libmupdf_wasm_Module: emscripten(world) });
      const mupdf = await importCopy('mupdf/dist/mupdf.js', world);
      return (n) => {
        const document = new mupdf.PDFDocument();
        const page = document.addPage([0, 0, 100 + n, 100], 0, {}, `0 0 ${n} ${n} re f`);
        document.insertPage(-1, page);
        return document.loadPage(0).getBounds();
      };
    },
  },
  {
    name: '@resvg/resvg-wasm',
    packages: ['@resvg/resvg-wasm@2.6.2'],
    statelessLoader: true,
    bytes: () => bytesAt('@resvg/resvg-wasm/index_bg.wasm'),
    async load(world) {
      const { initWasm, Resvg } = runCommonJs('@resvg/resvg-wasm/index.js', world);
      await initWasm(bytesAt('@resvg/resvg-wasm/index_bg.wasm'));
      return (n) => {
        const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><rect width="${n}" height="9" fill="red"/></svg>`;
        return Buffer.from(new Resvg(svg).render().asPng()).toString('base64');
      };
    },
  },
  {
    name: '@swc/wasm-web',
    packages: ['@swc/wasm-web@1.16.18'],
    bytes: () => bytesAt('@swc/wasm-web/wasm_bg.wasm'),
    async load(world) {
      const swc = await importCopy('@swc/wasm-web/wasm.js', world);
      swc.initSync({ module: bytesAt('@swc/wasm-web/wasm_bg.wasm') });
      return (n) => swc.transformSync(js(n), { minify: true }).code;
    },
  },
  {
    name: 'lightningcss-wasm',
    packages: ['lightningcss-wasm@1.33.0'],
    bytes: () => bytesAt('lightningcss-wasm/lightningcss_node.wasm'),
    async load(world) {
      const { default: init, transform } = await importCopy('lightningcss-wasm/index.mjs', world);
      await init(pathToFileURL(at('lightningcss-wasm/lightningcss_node.wasm')));
      return (n) =>
        Buffer.from(
          transform({ filename: 'a.css', code: Buffer.from(css(n)), minify: true }).code,
        ).toString();
    },
  },
  {
    name: 'esbuild-wasm (Go)',
    packages: ['esbuild-wasm@0.28.2'],
    bytes: () => bytesAt('esbuild-wasm/esbuild.wasm'),
    async load(world) {
      const head = 'const self = globalThis;\n'; // of a browser
      const esbuild = await importCopy('esbuild-wasm/esm/browser.js', world, head);
      const wasmModule = new world.WebAssembly.Module(bytesAt('esbuild-wasm/esbuild.wasm'));
      await esbuild.initialize({ wasmModule, worker: false });
      return async (n) => (await esbuild.transform(js(n), { minify: true })).code;
    },
  },
  {
    name: 'jq-web',
    packages: ['jq-web@0.6.2'],
    bytes: () => bytesAt('jq-web/jq.wasm'),
    async load(world) {
      const jq = await runCommonJs('jq-web/jq.js', world);
      return (n) => jq.json({ a: [n, n + 1] }, '.a | add');
    },
  },
  {
    name: 'wasmoon',
    packages: ['wasmoon@1.16.0'],
    statelessLoader: true,
    bytes: () => bytesAt('wasmoon/dist/glue.wasm'),
    async load(world) {
      const { LuaFactory } = runCommonJs('wasmoon/dist/index.js', world);
      const factory = new LuaFactory(at('wasmoon/dist/glue.wasm'));
      await factory.getLuaModule();
      return async (n) => {
        const lua = await factory.createEngine();
        try {
          return await lua.doString(`local s = 0; for i = 1, ${n} do s = s + i end; return s`);
        } finally {
          lua.global.close();
        }
      };
    },
  },
  inlined('yoga-layout', ['yoga-layout@3.2.1'], async (world) => {
    const { default: load } = await importCopy(
      'yoga-layout/dist/binaries/yoga-wasm-base64-esm.js',
      world,
    );
    const { default: wrap } = await import(
      pathToFileURL(at('yoga-layout/dist/src/wrapAssembly.js')).href
    );
    const yoga = wrap(await load());
    return (n) => {
      const root = yoga.Node.create();
      root.setWidth(n);
      root.setHeight(50);
      const child = yoga.Node.create();
      child.setFlexGrow(1);
      root.insertChild(child, 0);
      root.calculateLayout(undefined, undefined, 1);
      const answer = child.getComputedLayout();
      root.freeRecursive();
      return answer;
    };
  }),
  inlined('rapier3d-compat', ['@dimforge/rapier3d-compat@0.21.0'], async (world) => {
    const rapier = runCommonJs('@dimforge/rapier3d-compat/dist/rapier.cjs', world);
    await rapier.init();
    return (n) => {
      const physics = new rapier.World({ x: 0, y: -9.81, z: 0 });
      const body = physics.createRigidBody(rapier.RigidBodyDesc.dynamic().setTranslation(0, n, 0));
      physics.createCollider(rapier.ColliderDesc.ball(0.5), body);
      for (let step = 0; step < 10; step++) physics.step();
      const answer = body.translation().y;
      physics.free();
      return answer;
    };
  }),
  {
    name: 'vscode-oniguruma',
    packages: ['vscode-oniguruma@2.0.1'],
    bytes: () => bytesAt('vscode-oniguruma/release/onig.wasm'),
    async load(world) {
      const onig = runCommonJs('vscode-oniguruma/release/main.js', world);
      const instantiator = async (imports: object) => ({ instance: world.link(imports) });
      await onig.loadWASM({ instantiator });
      return (n) => {
        const scanner = onig.createOnigScanner(['\\d+', '[a-z]+']);
        const text = onig.createOnigString(`  ${n} abc`);
        const answer = scanner.findNextMatchSync(text, 0);
        text.dispose();
        scanner.dispose();
        return answer;
      };
    },
  },
  {
    name: 'brotli-wasm',
    packages: ['brotli-wasm@3.0.1'],
    statelessLoader: true,
    bytes: () => bytesAt('brotli-wasm/pkg.web/brotli_wasm_bg.wasm'),
    async load(world) {
      const brotli = await importCopy('brotli-wasm/pkg.web/brotli_wasm.js', world);
      await brotli.default(bytesAt('brotli-wasm/pkg.web/brotli_wasm_bg.wasm'));
      return (n) => {
        const packed = brotli.compress(Buffer.from(`some text ${n} `.repeat(n)));
        return [packed.length, Buffer.from(brotli.decompress(packed)).toString()];
      };
    },
  },
  inlined('hash-wasm', ['hash-wasm@4.13.0'], async (world) => {
    const { createSHA256 } = runCommonJs('hash-wasm/dist/sha256.umd.min.js', world);
    const hasher = await createSHA256();
    return (n) => hasher.init().update(`data ${n}`).digest('hex');
  }),
  inlined('libsodium-wrappers', ['libsodium-wrappers@0.8.4'], async (world) => {
    const sodium = runCommonJs('libsodium-wrappers/dist/modules/libsodium-wrappers.js', world);
    await sodium.ready;
    return (n) => sodium.to_hex(sodium.crypto_generichash(32, sodium.from_string(`m${n}`)));
  }),
  {
    name: 'argon2-browser',
    packages: ['argon2-browser@1.18.0'],
    statelessLoader: true,
    bytes: () => bytesAt('argon2-browser/dist/argon2.wasm'),
    async load(world) {
      const emscriptenModule: Loose = { ...emscripten(world) };
      const ready = Promise.withResolvers<void>();
      emscriptenModule.onRuntimeInitialized = () => ready.resolve();
      const code = readFileSync(at('argon2-browser/dist/argon2.js'), 'utf8');
      const module = new Function(
        'self',
        'WebAssembly',
        'require',
        'process',
        `var Module = self.Module; ${code}; return Module;`,
      )({ Module: emscriptenModule }, world.WebAssembly, undefined, undefined);
      await ready.promise;
      const { ALLOC_NORMAL = 0 } = module;
      const bytes = (text: string) => [...Buffer.from(text), 0];
      return (n) => {
        const [password, salt] = [bytes(`pass${n}`), bytes('somesalt')];
        const put = (data: number[]) => module.allocate(data, 'i8', ALLOC_NORMAL);
        const [pwd, saltAt] = [put(password), put(salt)];
        const hash = put(Array(24).fill(0));
        const encoded = put(Array(512).fill(0));
        module._argon2_hash(
          1,
          64,
          1,
          pwd,
          password.length - 1,
          saltAt,
          8,
          hash,
          24,
          encoded,
          512,
          0,
          0x13,
        );
        const answer = Buffer.from(module.HEAP8.slice(hash, hash + 24)).toString('hex');
        for (const pointer of [pwd, saltAt, hash, encoded]) module._free(pointer);
        return answer;
      };
    },
  },
  {
    name: 'quickjs-emscripten',
    packages: ['quickjs-emscripten-core@0.32.0', '@jitl/quickjs-wasmfile-release-sync@0.32.0'],
    statelessLoader: true,
    bytes: () => bytesAt('@jitl/quickjs-wasmfile-release-sync/dist/emscripten-module.wasm'),
    async load(world) {
      const { newQuickJSWASMModuleFromVariant, newVariant } = await import(
        pathToFileURL(at('quickjs-emscripten-core/dist/index.mjs')).href
      );
      const { default: variant } = await import(
        pathToFileURL(at('@jitl/quickjs-wasmfile-release-sync/dist/index.mjs')).href
      );
      const quickjs = await newQuickJSWASMModuleFromVariant(
        newVariant(variant, { emscriptenModule: emscripten(world) }),
      );
      return (n) => quickjs.evalCode(`[...Array(${n}).keys()].reduce((a, b) => a + b, 0)`);
    },
  },
  {
    name: 'source-map',
    packages: ['source-map@0.7.6'],
    statelessLoader: true,
    bytes: () => bytesAt('source-map/lib/mappings.wasm'),
    async load(world) {
      const { SourceMapConsumer } = runCommonJs('source-map/source-map.js', world);
      const sample = { version: 3, sources: ['a.js'], names: [], mappings: 'AAAA;AACA;AACA' };
      await new SourceMapConsumer(sample); // the loader works at the first use
      return async (n) => {
        const consumer = await new SourceMapConsumer(sample);
        try {
          return consumer.originalPositionFor({ line: 1 + (n % 3), column: 0 });
        } finally {
          consumer.destroy();
        }
      };
    },
  },
  inlined('@hpcc-js/wasm-graphviz', ['@hpcc-js/wasm-graphviz@1.29.2'], async (world) => {
    const { Graphviz } = await importCopy('@hpcc-js/wasm-graphviz/dist/index.js', world);
    const graphviz = await Graphviz.load();
    return (n) => graphviz.dot(`digraph { a -> b${n}; b${n} -> c }`);
  }),
  {
    name: '@cf-wasm/png',
    packages: ['@cf-wasm/png@0.4.0'],
    statelessLoader: true,
    bytes: () => bytesAt('@cf-wasm/png/dist/lib/png_bg.wasm'),
    async load(world) {
      const png = await importCopy('@cf-wasm/png/dist/lib/png.js', world);
      png.initSync({
        module: new world.WebAssembly.Module(bytesAt('@cf-wasm/png/dist/lib/png_bg.wasm')),
      });
      return (n) =>
        Buffer.from(
          png.encode(new Uint8Array(16).fill(n), 2, 2, undefined, undefined, 6, 8),
        ).toString('base64');
    },
  },
  {
    name: '@duckdb/duckdb-wasm',
    packages: ['@duckdb/duckdb-wasm@1.32.0'],
    questions: 1,
    bytes: () => bytesAt('@duckdb/duckdb-wasm/dist/duckdb-mvp.wasm'),
    async load(world) {
      const duckdb = runCommonJs('@duckdb/duckdb-wasm/dist/duckdb-node-blocking.cjs', world);
      const mvp = { mainModule: at('@duckdb/duckdb-wasm/dist/duckdb-mvp.wasm'), mainWorker: '' };
      const bundles = { mvp };
      const db = await duckdb.createDuckDB(bundles, new duckdb.VoidLogger(), duckdb.NODE_RUNTIME);
      await db.instantiate();
      return (n) => {
        const connection = db.connect();
        try {
          return connection
            .query(`select sum(i)::int as s from range(${n}) t(i)`)
            .toArray()
            .map(String);
        } finally {
          connection.close();
        }
      };
    },
  },
  {
    name: '@sqlite.org/sqlite-wasm',
    packages: ['@sqlite.org/sqlite-wasm@3.54.1-build1'],
    statelessLoader: true,
    bytes: () => bytesAt('@sqlite.org/sqlite-wasm/dist/sqlite3.wasm'),
    async load(world) {
      const { default: init } = await importCopy('@sqlite.org/sqlite-wasm/dist/node.mjs', world);
      const sqlite3 = await init(emscripten(world));
      return (n) => {
        const db = new sqlite3.oo1.DB();
        try {
          db.exec('create table t(x int)');
          for (let row = 0; row < 10; row++)
            db.exec({ sql: 'insert into t values (?)', bind: [row * n] });
          return db.selectValue('select sum(x) from t');
        } finally {
          db.close();
        }
      };
    },
  },
  {
    name: '@wasm-fmt/gofmt',
    packages: ['@wasm-fmt/gofmt@0.7.3'],
    statelessLoader: true,
    bytes: () => bytesAt('@wasm-fmt/gofmt/gofmt.wasm'),
    async load(world) {
      const { format } = await importCopy('@wasm-fmt/gofmt/gofmt_binding.js', world);
      const { exports } = world.link({});
      (exports._initialize as () => void)();
      return (n) => format(exports, `package a\nfunc f( )  int{return   ${n}}`);
    },
  },
  {
    name: 'pyodide',
    packages: ['pyodide@314.0.7'],
    questions: 1,
    bytes: () => bytesAt('pyodide/pyodide.asm.wasm'),
    async load(world) {
      const { loadPyodide } = await importCopy('pyodide/pyodide.mjs', world);
      const { default: createPyodideModule } = await importCopy('pyodide/pyodide.asm.mjs', world);
      const python = await loadPyodide({ indexURL: at('pyodide/'), createPyodideModule });
      return (n) => python.runPython(`sum(x * x for x in range(${n}))`);
    },
  },
  {
    name: 'php-wasm',
    packages: ['php-wasm@0.1.0'],
    questions: 1,
    bytes: () => bytesAt('php-wasm/e31ec3faf3e2323a2b4a448342b50307765b8217.wasm'),
    async load(world) {
      const { PhpNode } = await importCopy('php-wasm/PhpNode.mjs', world);
      const php = new PhpNode(emscripten(world));
      let output = '';
      php.addEventListener('output', ({ detail }: Loose) => {
        output += detail.join('');
      });
      await php.binary;
      const ask = async (n: number) => {
        output = '';
        await php.run(`<?php echo array_sum(array_map(fn($x) => $x * $x, range(1, ${n})));`);
        return output;
      };
      let before: Promise<unknown> = Promise.resolve(); // it runs one script at a time
      return (n) => {
        const answer = before.then(() => ask(n));
        before = answer;
        return answer;
      };
    },
  },
  {
    name: 'ruby.wasm',
    packages: ['@ruby/wasm-wasi@2.10.1', '@ruby/3.4-wasm-wasi@2.10.1'],
    questions: 1,
    bytes: () => bytesAt('@ruby/3.4-wasm-wasi/dist/ruby.wasm'),
    async load(world) {
      const { RubyVM } = await importCopy('@ruby/wasm-wasi/dist/esm/vm.js', world);
      const { WASI } = await import('node:wasi');
      const wasip1 = new WASI({ version: 'preview1', returnOnExit: true });
      const module = world.module ?? new WebAssembly.Module(new Uint8Array());
      const { vm } = await RubyVM.instantiateModule({ module, wasip1 });
      return (n) => vm.eval(`(1..${n}).map { |x| x * x }.sum`).toString();
    },
  },
  {
    name: '@ffmpeg/core',
    packages: ['@ffmpeg/core@0.12.10'],
    questions: 1,
    bytes: () => bytesAt('@ffmpeg/core/dist/umd/ffmpeg-core.wasm'),
    async load(world) {
      const self = { location: { href: 'file:///' } }; // of a browser's worker
      const create = runCommonJs('@ffmpeg/core/dist/umd/ffmpeg-core.js', world, { self });
      const core = await create(emscripten(world));
      const wav = (n: number) => {
        const header = Buffer.alloc(44 + n * 2);
        header.write('RIFF', 0);
        header.writeUInt32LE(36 + n * 2, 4);
        header.write('WAVEfmt ', 8);
        header.writeUInt32LE(16, 16);
        header.writeUInt16LE(1, 20);
        header.writeUInt16LE(1, 22);
        header.writeUInt32LE(8000, 24);
        header.writeUInt32LE(16_000, 28);
        header.writeUInt16LE(2, 32);
        header.writeUInt16LE(16, 34);
        header.write('data', 36);
        header.writeUInt32LE(n * 2, 40);
        for (let sample = 0; sample < n; sample++) {
          header.writeInt16LE((sample * 997) % 30_000, 44 + sample * 2);
        }
        return header;
      };
      return (n) => {
        core.FS.writeFile('in.wav', wav(100 + n));
        const code = core.exec('-i', 'in.wav', '-f', 's16le', 'out.raw');
        core.reset();
        const bytes = Buffer.from(core.FS.readFile('out.raw')).toString('base64');
        core.FS.unlink('in.wav');
        core.FS.unlink('out.raw');
        return [code, bytes];
      };
    },
  },
];
