import test from 'ava';
import { NICS_LABEL } from '../../../../lib/subagents/container/definition.js';
import { pause, remove, start, stop } from '../../../../lib/subagents/container/lifecycle.js';
import { startScriptedEngine } from '../../../helpers/scripted-engine.js';

/** A pid that no process has: above the maximum of Linux, proc_sys_kernel(5). */
const PID = 2 ** 22 + 1;

const NIC = { name: 'net0', network: 'br0', device: 'mt-none', vlans: [] };
const labels = { [NICS_LABEL]: JSON.stringify([NIC]) };

test('a container that exits while its NICs are connected counts as started and stopped', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, {
    a: [
      { running: false, labels },
      { running: true, pid: PID, labels },
      { running: false, labels },
    ],
  });
  await start(guests, 'a');
  t.is(guests.states.get('a')?.state, 'stopped');
  t.deepEqual(engine.requests, ['POST start']);
});

test('kills a container whose NICs cannot be connected', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, {
    a: [
      { running: false, labels },
      { running: true, pid: PID, labels },
    ],
  });
  await t.throwsAsync(start(guests, 'a'), { message: /ENOENT.*net\/dev/ });
  t.deepEqual(engine.requests, ['POST start', 'POST kill']);
});

/** How engines refuse to change a container whose program has just exited. */
const IMPROPER: [number, object] = [
  500,
  { cause: 'container state improper', message: 'can only kill running' },
];
const NOT_RUNNING: [number, object] = [409, { message: 'Container a is not running' }];
const GONE: [number, object] = [404, { message: 'No such container: a' }];
const FAULT: [number, object] = [500, { message: 'out of memory' }];

const RUNNING = { running: true };
const PAUSED = { running: true, paused: true };
const STOPPED = { running: false };
const VANISHED = { running: false, vanishes: true };

test('deletes a container that the engine still calls running when it cannot kill its program', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, { a: [RUNNING, RUNNING, RUNNING, STOPPED] });
  engine.responses = { 'POST kill': FAULT };
  await remove(guests, { id: 'a' }, () => undefined);
  t.deepEqual(engine.requests, ['POST kill', 'DELETE']);
});

for (const response of [IMPROPER, NOT_RUNNING, GONE, FAULT])
  test(`deletes a container whose program exits meanwhile, although the kill fails with ${JSON.stringify(response)}`, async (t) => {
    const { engine, guests } = await startScriptedEngine(t, { a: [RUNNING, STOPPED] });
    engine.responses = { 'POST kill': response };
    await remove(guests, { id: 'a' }, () => undefined);
    t.deepEqual(engine.requests, ['POST kill', 'DELETE']);
  });

test('deletes a container that others remove or unpause meanwhile', async (t) => {
  const conflict = [409, { message: 'removal of container a is already in progress' }] as [number, object];
  const { engine, guests } = await startScriptedEngine(t, {
    a: [STOPPED, VANISHED],
    b: [PAUSED, RUNNING],
  });
  engine.responses = { DELETE: conflict };
  await remove(guests, { id: 'a' }, () => undefined);
  engine.responses = { 'POST unpause': [500, { message: 'Container b is not paused' }] };
  await remove(guests, { id: 'b' }, () => undefined);
  t.pass();
});

test('deletes a container that the engine calls running although its program has exited', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, { a: [RUNNING] });
  engine.responses = { 'POST kill': IMPROPER };
  await remove(guests, { id: 'a' }, () => undefined);
  t.deepEqual(engine.requests, ['POST kill', 'DELETE']);
});

test('reports a delete that fails while the container runs', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, { a: [RUNNING] });
  engine.responses = { 'POST kill': FAULT };
  await t.throwsAsync(
    remove(guests, { id: 'a' }, () => undefined),
    { message: 'out of memory' },
  );
});

test('a pause of a container that exits meanwhile says that it is stopped, and a stop succeeds', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, { a: [RUNNING, STOPPED], b: [RUNNING, STOPPED] });
  engine.responses = { 'POST pause': IMPROPER, 'POST stop': NOT_RUNNING };
  await t.throwsAsync(pause(guests, 'a'), { message: /^guest a is stopped: only a running guest/ });
  await stop(guests, 'b', 1000, () => undefined);
  t.is(guests.states.get('b')?.state, 'stopped');
});

test('a start of a container that vanishes meanwhile says that it is not found', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, { a: [STOPPED, VANISHED] });
  engine.responses = { 'POST start': GONE };
  await t.throwsAsync(start(guests, 'a'), { message: 'the container of guest a: not found' });
});
