/** Writes to a standard stream of the process, and waits where it is full; nowhere on a platform without. */
export async function writeStandard(name: 'stdout' | 'stderr', chunk: Uint8Array): Promise<void> {
  const stream: NodeJS.WriteStream | undefined = globalThis.process?.[name];
  if (stream === undefined) return;
  await new Promise<void>((resolve, reject) => {
    stream.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}
