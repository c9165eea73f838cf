// What the packages of wasm-pool need of core, and its users do not. It may change in any version.
export {
  aBoolean,
  anyString,
  checkOptions,
  inspectValue,
  millis,
  type OptionCheck,
  wholeNumber,
} from './check-options.js';
export { isThenable } from './factory-call.js';
export { poolOptionChecks } from './options.js';
