import { readConfig } from './config.js';
import { measure } from './measurement.js';
import { openThumbnailer } from './thumbnailer.js';

const thumbnailer = await openThumbnailer(readConfig(process.env));
await measure(thumbnailer);
await thumbnailer.pool.close();
