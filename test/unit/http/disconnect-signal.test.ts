import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Request } from '@hapi/hapi';
import test from 'ava';
import { disconnectSignal } from '../../../lib/http/disconnect-signal.js';

/** Makes a request of a connection. */
const requestOver = (socket: EventEmitter): Request => ({ raw: { req: { socket } } }) as unknown as Request;

test('shares one signal between the requests of a connection, and aborts it when the connection closes', (t) => {
  const socket = new EventEmitter();
  const signal = disconnectSignal(requestOver(socket));
  t.is(disconnectSignal(requestOver(socket)), signal);
  t.false(signal.aborted);
  socket.emit('close');
  t.true(signal.aborted);
});

test('returns an aborted signal for a closed connection', (t) => {
  const socket = Object.assign(new EventEmitter(), { closed: true });
  t.true(disconnectSignal(requestOver(socket)).aborted);
});

test('lets any number of pipelined requests listen without a warning', async (t) => {
  const warnings: string[] = [];
  const note = ({ name }: Error): unknown => warnings.push(name);
  process.on('warning', note);
  t.teardown(() => process.off('warning', note));
  const signal = disconnectSignal(requestOver(new EventEmitter()));
  for (let request = 0; request < 20; request += 1) signal.addEventListener('abort', () => {});
  await nextTurn();
  t.deepEqual(warnings, []);
});
