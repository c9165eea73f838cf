/** Whether the full forms of the long tests run: `npm run test:long`, which `.ci/run` runs as well. */
export const long = process.env.LONG === '1';
