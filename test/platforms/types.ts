// Compiles programs that use our types, as projects are set up: with each TypeScript, with and without the
// types of the DOM and of Node.js, and with and without a look at the declarations themselves.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Project } from './prepare.ts';
import { run } from './programs.ts';

/** TypeScript's versions, by their names in tools/package.json. */
export const compilers = ['5.7', '5.8', '5.9', '6', '7'];

/** Compiles all programs. Gives the errors: a line for each. */
export async function typeErrors(
  { folder, tools }: Project,
  compiler: string,
  timeoutMillis: number,
): Promise<string[]> {
  const node = join(tools, 'node_modules/node-26/bin/node');
  const tsc = join(tools, `node_modules/typescript-${compiler}/bin/tsc`);
  const errors: string[] = [];
  for (const dom of [false, true]) {
    for (const types of [[], ['node']]) {
      // What is skipped would become `any` where names are missing most.
      for (const skipLibCheck of dom || types.length > 0 ? [false] : [false, true]) {
        const how = `${dom ? 'dom' : 'no dom'}, types [${types}], skipLibCheck ${skipLibCheck}`;
        const config = join(folder, `types/tsconfig-${compiler}.json`);
        const files = ['use.ts', ...(dom ? ['use-dom.ts'] : []), ...types.map(() => 'use-node.ts')];
        const lib = ['es2024', ...(dom ? ['dom'] : [])];
        const options = { lib, types, skipLibCheck, noEmit: true, moduleResolution: 'nodenext' };
        writeFileSync(
          config,
          JSON.stringify({
            extends: '@tsconfig/node22/tsconfig.json',
            compilerOptions: options,
            files,
          }),
        );
        await run(node, [tsc, '-p', config], { cwd: folder, timeoutMillis }).catch((error) => {
          errors.push(`${how}: ${error instanceof Error ? error.message : error}`);
        });
      }
    }
  }
  return errors;
}
