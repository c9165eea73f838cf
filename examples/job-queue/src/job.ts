/** The name of the queue in Redis. */
export const QUEUE = 'tiles';

/** A job: one square tile of the Mandelbrot set. */
export interface Tile {
  /** The tile's corner and its width, in the complex plane. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  /** Pixels a side. */
  readonly size: number;
  readonly iterations: number;
}

/** What a job comes to. */
export interface Rendered {
  /** One byte a pixel, row by row, in base64: 0 inside of the set, 1 to 255 outside. */
  readonly pixels: string;
  /** The process and the instance that made it. */
  readonly madeBy: string;
}

/** What a worker process tells the process that started it, once a second. */
export interface ProcessReport {
  readonly pid: number;
  /** Jobs that it runs now. */
  readonly active: number;
  /** Jobs that it has completed. */
  readonly completed: number;
  /** Instances, and why others were destroyed. */
  readonly instances: number;
  readonly destroyedBy: Readonly<Record<string, number>>;
}
