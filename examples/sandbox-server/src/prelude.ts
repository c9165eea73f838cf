/**
 * Runs in each new context before the script does, and keeps hold of what it needs, so that nothing
 * the script puts in place of a builtin is used on its behalf. Only primitive values go out, strings
 * as JSON, for a plain one would end at its first NUL on the way.
 */
export const prelude = `(write, sleep) => {
  'use strict';
  const { parse, stringify } = JSON;
  const { String, Error, globalThis } = this;

  const text = (value) => {
    try {
      if (typeof value === 'string') return value;
      if (typeof value === 'bigint') return value + 'n';
      if (value instanceof Error) return value.name + ': ' + value.message + '\\n' + value.stack;
      if (typeof value === 'object' && value !== null) {
        try {
          const json = stringify(value);
          if (typeof json === 'string') return json;
        } catch {}
      }
      return String(value);
    } catch {
      return '(a value that cannot be shown)';
    }
  };

  const at = (level) => (...values) => {
    let line = '';
    for (let i = 0; i < values.length; i++) line += (i === 0 ? '' : ' ') + text(values[i]);
    write(level, stringify(line));
  };
  globalThis.console = {
    log: at('log'), info: at('info'), warn: at('warn'), error: at('error'), debug: at('debug'),
  };
  globalThis.sleep = (millis) => sleep(+millis);

  const property = (value, key) => {
    try {
      const found = value[key];
      return typeof found === 'string' ? found : '';
    } catch {
      return '';
    }
  };
  return {
    __proto__: null,
    setInput: (json) => { globalThis.input = parse(json); },
    toJson: (value) => stringify(value),
    describe: (thrown) => {
      const isError = thrown instanceof Error;
      return stringify({
        __proto__: null,
        name: isError ? property(thrown, 'name') : typeof thrown,
        message: isError ? property(thrown, 'message') : text(thrown),
        stack: isError ? property(thrown, 'stack') : '',
      });
    },
  };
}`;
