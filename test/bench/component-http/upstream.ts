// A server that takes 5 ms for each answer, whatever else it is asked meanwhile.
import { once } from 'node:events';
import { createServer } from 'node:http';

const server = createServer((_, response) => setTimeout(() => response.end('from upstream'), 5));
await once(server.listen(0, '127.0.0.1'), 'listening');
const address = server.address();
console.log(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
