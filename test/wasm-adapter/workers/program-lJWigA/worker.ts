import { serveTasks } from '@wasm-pool/wasm-adapter';
import * as tasks from './tasks.js';

serveTasks(tasks);
