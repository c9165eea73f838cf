import { cacheCompiledModules, closeParentPort, startData } from '../../platform/threads.js';
import type { ThreadData } from '../wire/messages.js';
import { serveTasks } from './serve-tasks.js';

cacheCompiledModules();
closeParentPort();
const data = startData()?.wasmPool as ThreadData | undefined;
const module = data?.module;
serveTasks(() => (module === undefined ? Promise.resolve({}) : import(module)));
