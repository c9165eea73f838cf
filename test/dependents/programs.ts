// The little that the tests use of the programs; they are installed when the tests run, so that
// their own types are not there when these are compiled.

interface RedisClient {
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<unknown>;
  incr(key: string): Promise<number>;
  sendCommand(args: string[]): Promise<unknown>;
  executeIsolated<R>(work: (client: RedisClient) => Promise<R>): Promise<R>;
}

/** `@redis/client` 1. */
export declare const redisClient: { createClient(options: object): RedisClient };

/** `node-cache-redis`. */
export declare const nodeCacheRedis: {
  init(options: object): unknown;
  getStore(): { drain(): Promise<unknown> };
  set(key: string, value: unknown): Promise<unknown>;
  get(key: string): Promise<unknown>;
  keys(pattern: string): Promise<string[]>;
  deleteAll(pattern: string): Promise<unknown>;
};

interface Publication {
  on(event: 'success' | 'error', listener: (value: unknown) => void): Publication;
}

interface Subscription {
  on(
    event: 'message',
    listener: (message: unknown, content: unknown, ack: () => void) => void,
  ): Subscription;
}

/** `rascal`. */
export declare const rascal: {
  BrokerAsPromised: {
    create(config: object): Promise<{
      publish(name: string, message: unknown): Promise<Publication>;
      subscribe(name: string): Promise<Subscription>;
      on(event: 'error', listener: (error: Error) => void): void;
      shutdown(): Promise<void>;
    }>;
  };
  withDefaultConfig(config: object): object;
};

/** `faktory-worker`. */
export declare const faktory: {
  Client: new (
    options: object,
  ) => {
    readonly connectionFactory: { create(): Promise<{ connected: boolean }> };
    info(): Promise<{ answers: number }>;
    close(): Promise<void>;
  };
};
