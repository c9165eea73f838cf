/** `wasi:logging`, as lines of standard error. */
export function loggingInterfaces(write: (line: string) => void): Record<string, object> {
  const log = (level: string, context: string, message: string) => {
    write(`${level}${context === '' ? '' : ` ${context}`}: ${message}\n`);
  };
  return { 'wasi:logging/logging': { log } };
}
