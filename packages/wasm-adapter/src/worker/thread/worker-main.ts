import { importModule } from '../../platform/import-module.js';
import { cacheCompiledModules, closeParentPort } from '../../platform/threads.js';
import { serveTasks } from './serve-tasks.js';

cacheCompiledModules();
closeParentPort();
serveTasks((module) => (module === undefined ? Promise.resolve({}) : importModule(module)));
