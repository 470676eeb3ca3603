import test from 'ava';
import { EngineError } from '../../../../lib/subagents/container/errors.js';
import { Credentials } from '../../../../lib/subagents/container/images/credentials.js';
import { imageMethods } from '../../../../lib/subagents/container/images/methods.js';
import { listContainers } from '../../../../lib/subagents/container/listing.js';
import { loopbackGuard as guard } from '../../../helpers/loopback.js';
import { startScriptedEngine } from '../../../helpers/scripted-engine.js';
import { silentLog } from '../../../helpers/sub-agents.js';

const ALL = { id: '', opts: { All: true } };
const REQUEST = { id: 'localhost/i:1', type: 'container', dest: '', source: '' };
const { signal } = new AbortController();
const CALL = { signal, cancelled: signal, log: silentLog, job: undefined, progress: () => undefined };

const running = { running: true };

test('lists containers although others are removed meanwhile', async (t) => {
  const containers = { a: [running], b: [{ ...running, vanishes: true }] };
  const { engine, guests } = await startScriptedEngine(t, containers);
  engine.listFailures = ['no such container', 'layer not known'];
  const list = await listContainers(guests.engine, ALL);
  t.is(list.containers.length, 1, 'without the one that vanished');
  t.is(engine.lists, 3);
});

test('lists and deletes images although others are removed meanwhile', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, { a: [running] });
  const { ListImages, DeleteImage } = imageMethods({
    engine: guests.engine,
    guard,
    importDirs: [],
    credentials: new Credentials('/nonexistent'),
  });
  engine.listFailures = ['image not known', 'size is not known'];
  t.is((await ListImages?.(REQUEST, CALL))?.images[0]?.id, 'localhost/i:1');
  engine.listFailures = ['no such container'];
  await t.throwsAsync(async () => DeleteImage?.(REQUEST, CALL), { message: /in use by these guests: a$/ });
  t.deepEqual(engine.listFailures, []);
});

test('refreshes all guests although other containers are removed meanwhile', async (t) => {
  const containers = { a: [running], b: [running, { ...running, vanishes: true }] };
  const { engine, guests } = await startScriptedEngine(t, containers);
  await guests.refreshAll();
  engine.listFailures = ['no such container'];
  await guests.refreshAll();
  t.is(guests.states.get('a')?.state, 'running');
  t.is(guests.states.get('b')?.state, 'deleted');
});

test('reports a list that fails each time', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, { a: [running] });
  engine.listStatus = 500;
  await t.throwsAsync(listContainers(guests.engine, ALL), { instanceOf: EngineError });
  t.true(engine.lists > 1);
});

test('reads a list once when the engine rejects the request', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, { a: [running] });
  engine.listStatus = 400;
  await t.throwsAsync(listContainers(guests.engine, ALL), { instanceOf: EngineError });
  t.is(engine.lists, 1);
});
