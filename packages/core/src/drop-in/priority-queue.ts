import { PriorityQueue, Queue } from '../vendor/generic-pool.js';

/**
 * generic-pool's queue. There, an acquire that times out in the very tick in which it is taken out
 * is taken out twice, and the acquires behind it are lost.
 */
export class SafePriorityQueue<E> extends PriorityQueue<E> {
  constructor(priorityRange: number) {
    super(priorityRange);
    this._slots = this._slots.map(() => new SafeQueue<E>());
  }
}

type Node<E> = Parameters<Queue<E>['_createTimeoutRejectionHandler']>[0];

class SafeQueue<E> extends Queue<E> {
  override _createTimeoutRejectionHandler(node: Node<E>): (reason: Error) => void {
    const removeNode = super._createTimeoutRejectionHandler(node);
    return (reason) => {
      const inList = node.prev !== null || node === this._list.head;
      if (inList) removeNode(reason);
    };
  }
}
