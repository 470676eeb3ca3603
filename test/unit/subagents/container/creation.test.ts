import test from 'ava';
import { Refusal } from '../../../../lib/rpc/protocol/refusal.js';
import { create } from '../../../../lib/subagents/container/creation.js';
import { NICS_LABEL } from '../../../../lib/subagents/container/definition.js';
import { Credentials } from '../../../../lib/subagents/container/images/credentials.js';
import { startScriptedEngine } from '../../../helpers/scripted-engine.js';

const { signal } = new AbortController();
const OPTIONS = { signal, progress: () => undefined, credentials: new Credentials('/nonexistent') };
const GUEST = { id: 'a', image: 'localhost/i:1' };

test('names the container that has the name of a new one', async (t) => {
  const taken = { cause: 'that name is already in use', message: 'creating container storage: ...' };
  const { engine, guests } = await startScriptedEngine(t, {});
  engine.responses = { 'POST create': [500, taken] };
  const error = await t.throwsAsync(create(guests, GUEST, OPTIONS), {
    instanceOf: Refusal,
    message: /^the engine has a container named mistify-a already, which this agent did not create/,
  });
  t.is(error.kind, 'conflict');
});

test('makes a container anew that has never started: a kill may have interrupted its create', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, { a: [{ running: false }] });
  const { definition } = await create(guests, GUEST, OPTIONS);
  t.deepEqual(engine.requests, ['DELETE', 'POST create']);
  t.is(definition.memory, 512);
});

test('leaves a container alone that has started, and describes it as when it was made', async (t) => {
  const nics = [{ name: 'net0', network: 'user', vlans: [] }];
  const labels = { [NICS_LABEL]: JSON.stringify(nics) };
  const { engine, guests } = await startScriptedEngine(t, {
    a: [{ running: true, started: '2026-01-01T00:00:00Z', labels }],
  });
  engine.image = { Volumes: { '/data': {} } };
  const { definition, imageMounts, volumes } = await create(guests, GUEST, OPTIONS);
  t.deepEqual(engine.requests, []);
  t.like(definition, { memory: 512, nics });
  t.is(imageMounts[0]?.target, '/data');
  t.deepEqual(volumes, []);
});
