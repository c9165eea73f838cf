/**
 * Imports a module by its URL, which is known when the program runs: bundlers leave it alone. Bun takes
 * a `data:` URL for what it says only where that is in base64.
 */
export function importModule<Module = Record<string, unknown>>(url: string): Promise<Module> {
  return importIgnored('Bun' in globalThis ? inBase64(url) : url);
}

/** Apart, for the builder of this package keeps these comments before a parameter only. */
function importIgnored<Module>(url: string): Promise<Module> {
  return import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ url);
}

function inBase64(url: string): string {
  const [head = '', text] = url.split(/,(.*)/s);
  if (!/^data:/i.test(head) || /;base64$/i.test(head) || text === undefined) return url;
  return `${head};base64,${Buffer.from(decodeURIComponent(text)).toString('base64')}`;
}
