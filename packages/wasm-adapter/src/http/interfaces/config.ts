type Config = Readonly<Record<string, string>>;

/** `wasi:config`, from an object: the interface `store`, and `runtime`, as earlier drafts name it. */
export function configInterfaces(config: Config): Record<string, object> {
  const store = {
    get: (key: string) => (Object.hasOwn(config, key) ? config[key] : undefined),
    getAll: () => Object.entries(config),
  };
  return { 'wasi:config/store': store, 'wasi:config/runtime': store };
}
