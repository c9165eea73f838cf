/** The flags of Node.js's permission model, by what a denied access asked for. */
const flags: Readonly<Record<string, string>> = {
  FileSystemRead: '--allow-fs-read',
  FileSystemWrite: '--allow-fs-write',
  WorkerThreads: '--allow-worker',
};

/** The flag that would have allowed what failed; undefined where it failed for something else. */
export function deniedFor(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, permission } = error as { code?: unknown; permission?: unknown };
  return code === 'ERR_ACCESS_DENIED' ? flags[String(permission)] : undefined;
}

/** For the end of a message that has the error's own: the flag, which Node.js 22 does not name. */
export function flagHint(error: unknown): string {
  const flag = deniedFor(error);
  if (flag === undefined || (error as Error).message.includes(flag)) return '';
  return `; start it with ${flag}`;
}
