export { type Env, Environment, readEnvironment } from './environment.js';
export { runExample, type Started } from './run-example.js';
export { createServer, type Refusal, refuse, type ServerOptions } from './server.js';
