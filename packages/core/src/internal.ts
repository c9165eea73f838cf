// What the packages of wasm-pool need of core, and its users do not. It may change in any version.
export type { TakeOptions } from './acquire-options.js';
export type { AdapterFactory, AdapterPool } from './adapter.js';
export {
  aBoolean,
  anyString,
  checkOptions,
  inspectValue,
  millis,
  type OptionCheck,
  wholeNumber,
} from './check-options.js';
export { createAdapterPool } from './create-pool.js';
export { Durations } from './durations.js';
export { isThenable } from './factory-call.js';
export { type AnswerOptions, answerOf, setAnswer } from './http-answer.js';
export { poolOptionChecks } from './options.js';
export type { AbortSignal, InstancesOf } from './web-types.js';
