/**
 * Imports a module by its URL. Bun takes a `data:` URL for what it says only where that is in base64.
 */
export function importModule(url: string): Promise<object> {
  return import('Bun' in globalThis ? inBase64(url) : url);
}

function inBase64(url: string): string {
  const [head = '', text] = url.split(/,(.*)/s);
  if (!/^data:/i.test(head) || /;base64$/i.test(head) || text === undefined) return url;
  return `${head};base64,${Buffer.from(decodeURIComponent(text)).toString('base64')}`;
}
