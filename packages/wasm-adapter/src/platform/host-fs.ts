import { builtin, isWorkerd, lacking } from './builtin.js';

/** The file system of the host, as far as WASI needs it. */
export type HostFs = typeof import('node:fs');

/**
 * The file system of the host. Throws a `WasmError` `ERR_WASM_PLATFORM` where there is none, and on
 * workerd, whose own is in memory, for one request, and cannot read into a part of a guest's memory.
 */
export function hostFs(what: string): HostFs {
  if (isWorkerd) throw lacking('node:fs', what);
  return builtin('node:fs', what);
}

/**
 * How to name what is in a folder that is open: by the folder's descriptor, which Linux has paths for,
 * so that nothing that is renamed meanwhile is followed; undefined where the system has no such paths,
 * or where Node.js's permissions keep them from us.
 */
export function descriptorPath(fs: HostFs, descriptor: number): string | undefined {
  const path = `/proc/self/fd/${descriptor}`;
  try {
    const [there, here] = [fs.statSync(path), fs.fstatSync(descriptor)];
    fs.lstatSync(`${path}/.`);
    return there.ino === here.ino && there.dev === here.dev ? path : undefined;
  } catch {
    return undefined;
  }
}
