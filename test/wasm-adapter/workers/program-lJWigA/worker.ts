
      import { serveTasks } from '@wasm-pool/wasm-adapter';
      import * as tasks from './tasks.ts';
      serveTasks(tasks);