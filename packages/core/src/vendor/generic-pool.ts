/**
 * What the package uses of generic-pool 3.9.0. No other file imports it. The published package has
 * generic-pool's own code inside, with its licence, and depends on nothing.
 */
export { default as DefaultEvictor } from 'generic-pool/lib/DefaultEvictor.js';
export { default as Deque } from 'generic-pool/lib/Deque.js';
export { default as errors } from 'generic-pool/lib/errors.js';
export { default as Pool } from 'generic-pool/lib/Pool.js';
export { default as PooledResource } from 'generic-pool/lib/PooledResource.js';
export { default as PriorityQueue } from 'generic-pool/lib/PriorityQueue.js';
export { default as Queue } from 'generic-pool/lib/Queue.js';
export { default as ResourceLoan } from 'generic-pool/lib/ResourceLoan.js';
export { default as ResourceRequest } from 'generic-pool/lib/ResourceRequest.js';
