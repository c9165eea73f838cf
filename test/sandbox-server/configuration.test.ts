import { expect, test } from 'vitest';
import { readConfig } from '../../examples/sandbox-server/dist/config.js';

test('without any variable it has defaults', () => {
  expect(readConfig({})).toMatchObject({
    host: '127.0.0.1',
    port: 3000,
    max: 4,
    limits: { cpuMillis: 1000, memoryBytes: 64 * 1024 * 1024 },
  });
});

test('the hosts that clients may name are the local ones and those given', () => {
  const local = ['127.0.0.1', 'localhost', '[::1]'];
  expect(readConfig({}).hosts).toEqual(expect.arrayContaining(local));
  expect(readConfig({ HOST: '0.0.0.0', HOSTS: 'run.example, b.example' }).hosts).toEqual(
    expect.arrayContaining([...local, '0.0.0.0', 'run.example', 'b.example']),
  );
});

test('an empty variable counts as none', () => {
  expect(readConfig({ PORT: '', HOST: '' })).toEqual(readConfig({}));
});

test.for<[name: string, value: string, accepted: string]>([
  ['PORT', '-1', '0 to 65535'],
  ['PORT', '65536', '0 to 65535'],
  ['PORT', 'http', '0 to 65535'],
  ['MAX', '0', '1 to 1000'],
  ['MAX_CONNECTIONS', '0', '1 to 100000'],
  ['MAX', '1.5', '1 to 1000'],
  ['MAX', '1e2', '1 to 1000'],
  ['MAX', ' 4', '1 to 1000'],
  ['CPU_MILLIS', '0', '1 to 600000'],
  ['MEMORY_MIB', '23', '24 to 2048'],
  ['STACK_KIB', '1024', '16 to 512'],
])('%s=%s is refused', ([name, value, accepted]) => {
  expect(() => readConfig({ [name]: value })).toThrow(
    `${name} is "${value}"; accepted: a whole number from ${accepted}`,
  );
});

test('all bad variables are named at once', () => {
  expect(() => readConfig({ PORT: 'x', MAX: 'y' })).toThrow(/^PORT is .*\nMAX is /);
});
