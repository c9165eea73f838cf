// A worker file of one's own, for bundlers.
import { serveTasks } from '@wasm-pool/wasm-adapter';
import * as tasks from './program/tasks.js';

serveTasks(tasks);
