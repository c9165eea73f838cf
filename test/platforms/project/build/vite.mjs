import { build } from 'vite';

const [, , form] = process.argv;
const external = [/^@bytecodealliance\//];
const onLog = (level, log, handle) => {
  if (!/guests\/adder/.test(log.message)) handle(level, log); // not what jco wrote
};
const common = { configFile: false, logLevel: 'warn' };
if (form === 'ssr') {
  await build({
    ...common,
    ssr: { noExternal: [/^@wasm-pool\//] },
    build: {
      ssr: true,
      outDir: 'out/vite-ssr',
      rolldownOptions: {
        input: { main: 'bundled.mjs', worker: 'worker.mjs' },
        output: { entryFileNames: '[name].mjs' },
        external,
        onLog,
      },
    },
  });
} else {
  await build({
    ...common,
    base: '/out/vite-web/',
    worker: { format: 'es' },
    build: { outDir: 'out/vite-web', rolldownOptions: { input: 'vite.html', external, onLog } },
  });
}
