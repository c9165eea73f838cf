// generic-pool's `require('events')`: the EventEmitter of Node.js where it is, so that pools are
// instances of it, and else the package `events`.
const { process } = globalThis;
exports.EventEmitter = (
  process?.getBuiltinModule?.('node:events') ?? require('events')
).EventEmitter;
