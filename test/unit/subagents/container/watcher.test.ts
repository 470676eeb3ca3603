import test, { type ExecutionContext } from 'ava';
import { GUEST_LABEL } from '../../../../lib/subagents/container/definition.js';
import { Watcher } from '../../../../lib/subagents/container/watcher.js';
import { type ScriptedEngine, startScriptedEngine } from '../../../helpers/scripted-engine.js';
import { silentLog } from '../../../helpers/sub-agents.js';
import { until } from '../../../helpers/wait.js';

const start = async (t: ExecutionContext, guests: ScriptedEngine['containers'], resyncMs?: number) => {
  const { engine, containers } = await startScriptedEngine(t, guests);
  const watcher = new Watcher(containers, silentLog, resyncMs);
  t.teardown(() => watcher.close());
  await watcher.start();
  return { engine, stateOf: (id: string) => containers.states.get(id)?.state };
};

test('an engine that could not tell its containers for once is followed again', async (t) => {
  const { engine, stateOf } = await start(t, { a: [{ running: true }] }, 500);
  t.is(stateOf('a'), 'running');
  engine.listStatus = 500;
  await until('its guests are unknown', () => stateOf('a') === 'unknown');
  engine.listStatus = 200;
  await until('they are known again', () => stateOf('a') === 'running');
  t.true(engine.streams.length > 1, 'its events are followed again');
});

test('what the engine tells of a guest is looked at', async (t) => {
  const { engine, stateOf } = await start(t, { a: [{ running: true }] });
  engine.containers = { a: [{ running: false }] };
  const event = { Action: 'die', Actor: { Attributes: { [GUEST_LABEL]: 'a' } } };
  engine.streams[0]?.write(`${JSON.stringify(event)}\n`);
  await until('it is stopped', () => stateOf('a') === 'stopped');
  t.pass();
});

test('one container that cannot be made sense of hides none of the others', async (t) => {
  const broken = { running: true, labels: { 'io.mistify.nics': 'no JSON' } };
  const { stateOf } = await start(t, { a: [{ running: true }], b: [broken] });
  t.is(stateOf('a'), 'running');
  t.is(stateOf('b'), 'unknown');
});
