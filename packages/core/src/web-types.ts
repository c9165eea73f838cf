// What published types speak of in place of globals that a project may have no types for: the platform's
// own, where those are known, and else as much as is used here. The build puts these names into the
// declarations (scripts/portable-types.ts); the sources use the globals.

/** The instances of a global class, or `Otherwise` where no types know it. */
export type InstancesOf<Name extends string, Otherwise> = typeof globalThis extends {
  readonly [It in Name]: { readonly prototype: infer Instance };
}
  ? Instance
  : Otherwise;

export type AbortSignal = InstancesOf<
  'AbortSignal',
  {
    readonly aborted: boolean;
    readonly reason: unknown;
    throwIfAborted(): void;
    addEventListener(
      type: 'abort',
      listener: () => void,
      options?: { readonly once?: boolean },
    ): void;
    removeEventListener(type: 'abort', listener: () => void): void;
  }
>;
