import { readConfig } from './config.js';
import { measure } from './measurement.js';
import { openThumbnailer } from './thumbnailer.js';

const config = readConfig(process.env);
const thumbnailer = await openThumbnailer(config);
await measure(thumbnailer, config.measured);
await thumbnailer.pool.close();
