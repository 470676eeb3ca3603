import test, { type ExecutionContext } from 'ava';
import { Problems } from '../../../../lib/rpc/server/problems.js';
import { Programs } from '../../../../lib/rpc/server/programs.js';
import { GUEST_LABEL } from '../../../../lib/subagents/container/definition.js';
import { Engine } from '../../../../lib/subagents/container/engine.js';
import { NoEngineError } from '../../../../lib/subagents/container/errors.js';
import { Watcher } from '../../../../lib/subagents/container/watcher.js';
import { type ScriptedEngine, startScriptedEngine } from '../../../helpers/scripted-engine.js';
import { silentLog } from '../../../helpers/sub-agents.js';
import { until } from '../../../helpers/wait.js';

/** A slow test must not see the inspections of a resync. */
const NEVER_MS = 2 ** 31 - 1;

const start = async (t: ExecutionContext, containers: ScriptedEngine['containers'], resyncMs = NEVER_MS) => {
  const { engine, guests } = await startScriptedEngine(t, containers);
  const problems = new Problems();
  const watcher = new Watcher(guests, { problems, programs: new Programs(), log: silentLog, resyncMs });
  t.teardown(() => watcher.close());
  await watcher.start();
  return { engine, problems, stateOf: (id: string) => guests.states.get(id)?.state };
};

test('reconnects to an engine that failed to list its containers', async (t) => {
  const { engine, problems, stateOf } = await start(t, { a: [{ running: true }] }, 500);
  t.is(stateOf('a'), 'running');
  t.deepEqual(problems.all(), []);
  engine.listStatus = 500;
  await until('the guest is unknown', () => stateOf('a') === 'unknown');
  t.is(problems.all().length, 1);
  engine.listStatus = 200;
  await until('the guest is known again', () => stateOf('a') === 'running');
  t.true(engine.streams.length > 1, 'subscribes to the events again');
  await until('the problem is gone', () => problems.all().length === 0);
});

test('says that containers cannot run while no engine was ever there', async (t) => {
  const engine = new Engine(['/nonexistent/a.sock', '/nonexistent/b.sock']);
  await t.throwsAsync(engine.connect(), { instanceOf: NoEngineError });
  t.is(
    engine.problemOf(engine.absence),
    'no container engine at /nonexistent/a.sock, /nonexistent/b.sock: containers cannot run',
  );
  t.is(engine.problemOf(new Error('other')), 'other');
});

test('inspects a guest after an event', async (t) => {
  const { engine, stateOf } = await start(t, { a: [{ running: true }] });
  engine.containers = { a: [{ running: false }] };
  const event = { Action: 'die', Actor: { Attributes: { [GUEST_LABEL]: 'a' } } };
  engine.streams[0]?.write(`${JSON.stringify(event)}\n`);
  await until('the guest is stopped', () => stateOf('a') === 'stopped');
  t.pass();
});

test('reads an event of a container with as many labels as it may have', async (t) => {
  const { engine, stateOf } = await start(t, { a: [{ running: true }] });
  engine.containers = { a: [{ running: false }] };
  const Attributes = { [GUEST_LABEL]: 'a', label: '<'.repeat(256 * 1024) };
  // As Go writes it.
  const line = JSON.stringify({ Action: 'die', Actor: { Attributes } }).replaceAll('<', '\\u003c');
  engine.streams[0]?.write(`${line}\n`);
  await until('the guest is stopped', () => stateOf('a') === 'stopped');
  t.is(engine.streams.length, 1, 'the subscription lasts');
});

test('a container with damaged labels does not affect the others', async (t) => {
  const broken = { running: true, labels: { 'io.mistify.nics': 'no JSON' } };
  const { stateOf } = await start(t, { a: [{ running: true }], b: [broken] });
  t.is(stateOf('a'), 'running');
  t.is(stateOf('b'), 'unknown');
});

const send = (engine: ScriptedEngine, ...actions: string[]): void => {
  for (const Action of actions) {
    const event = { Action, Actor: { Attributes: { [GUEST_LABEL]: 'a' } } };
    engine.streams[0]?.write(`${JSON.stringify(event)}\n`);
  }
};

test('the program of a health check costs no inspection, on Docker or on Podman', async (t) => {
  const { engine, stateOf } = await start(t, { a: [{ running: true }] });
  const before = engine.inspections;
  send(engine, 'exec_create: sh -c true', 'exec_start: sh -c true', 'exec_die', 'exec', 'exec_died');
  engine.containers = { a: [{ running: false }] };
  send(engine, 'die');
  await until('the guest is stopped', () => stateOf('a') === 'stopped');
  t.is(engine.inspections, before + 1);
});

for (const action of ['health_status: healthy', 'health_status'])
  test(`a guest is inspected once after ${action}`, async (t) => {
    const { engine } = await start(t, { a: [{ running: true }] });
    const before = engine.inspections;
    send(engine, action);
    await until('it is inspected', () => engine.inspections > before);
    t.is(engine.inspections, before + 1);
  });

for (const [engineName, actions] of [
  ['Docker 20.10', ['kill', 'die', 'stop']],
  ['Docker 26', ['kill', 'stop', 'die']],
  ['Podman', ['died', 'cleanup']],
] as const)
  test(`a guest is stopped after the last event that ${engineName} sends of a stop`, async (t) => {
    const { engine, stateOf } = await start(t, { a: [{ running: true }] });
    const [last = '', ...earlier] = [...actions].reverse();
    send(engine, ...earlier);
    engine.containers = { a: [{ running: false }] };
    send(engine, last);
    await until('the guest is stopped', () => stateOf('a') === 'stopped');
    t.pass();
  });
