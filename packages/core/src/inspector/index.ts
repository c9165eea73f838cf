/**
 * A page for operators: what pools do, live.
 *
 * @module
 */
export type { WatchedPool } from '../live-pools.js';
export {
  createInspector,
  type Inspector,
  type InspectorListener,
  type InspectorOptions,
} from './create-inspector.js';
