import test from 'ava';
import { GUEST_LABEL } from '../../../../lib/subagents/container/definition.js';
import { remove, stop } from '../../../../lib/subagents/container/lifecycle.js';
import { startScriptedEngine } from '../../../helpers/scripted-engine.js';

const note = (): void => undefined;

test('a container that others have renamed stays that of its guest, and changes reach it', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, { a: [{ running: true, name: 'other' }] });
  await guests.refreshAll();
  t.is(guests.states.get('a')?.state, 'running');
  await stop(guests, 'a', 1000, note);
  t.deepEqual(engine.requests, ['POST stop']);
});

test('a container with the name of a guest but without its label is not that guest', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, { a: [{ running: true }] });
  await guests.refreshAll();
  engine.containers = { a: [{ running: true, labels: null }] };
  await guests.refreshAll();
  t.is(guests.states.get('a')?.state, 'deleted');
  await t.throwsAsync(stop(guests, 'a', 1000, note), { message: 'the container of guest a: not found' });
  await remove(guests, { id: 'a' }, note);
  t.deepEqual(engine.requests, [], 'it is left alone');
});

test('a container that has the label of a guest from its image is not that guest', async (t) => {
  const { engine, guests } = await startScriptedEngine(t, { a: [{ running: true, name: 'copy' }] });
  engine.image = { Labels: { [GUEST_LABEL]: 'a' } };
  t.is(await guests.find('a'), undefined);
});

for (const suffix of ['new', 'old'])
  test(`the ${suffix} container of a replacement under way is not that of the guest`, async (t) => {
    const { guests } = await startScriptedEngine(t, { a: [{ running: false, name: `mistify-a.${suffix}` }] });
    t.is(await guests.find('a'), undefined);
  });
