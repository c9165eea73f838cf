import { resolve } from 'node:path';
import webpack from 'webpack';

const [, , form] = process.argv;
const common = { mode: 'production', devtool: false, context: process.cwd() };
const config =
  form === 'node'
    ? {
        ...common,
        target: 'node22',
        entry: './bundled-webpack.mjs',
        optimization: { minimize: false }, // which takes long, and is tested for browsers
        experiments: { outputModule: true },
        externals: [/^@bytecodealliance\//],
        externalsType: 'module',
        output: { path: resolve('out/webpack-node'), filename: 'main.mjs', module: true },
      }
    : {
        ...common,
        target: 'web',
        entry: './bundled-browser.mjs',
        externals: [/^@bytecodealliance\//],
        externalsType: 'import',
        output: { path: resolve('out/webpack-web'), publicPath: '/out/webpack-web/' },
      };
const stats = await new Promise((done, fail) =>
  webpack(config, (error, it) => (error ? fail(error) : done(it))),
);
const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
for (const { moduleName, message } of [...errors, ...warnings]) console.error(moduleName, message);
if (errors.length + warnings.length > 0) process.exitCode = 1;
