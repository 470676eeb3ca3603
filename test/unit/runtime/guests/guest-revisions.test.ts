import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { GuestRevisions } from '../../../../lib/runtime/guests/guest-revisions.js';
import { GuestStore } from '../../../../lib/store/guest-store.js';
import { keepLines } from '../../../helpers/log-lines.js';
import { tempDir } from '../../../helpers/temp.js';

const told = (state: string, revision: number) => ({ id: 'a', state, vnc: 0, revision });

/** A running guest that a sub-agent has told of. */
const setUp = async (t: ExecutionContext) => {
  const guests = await GuestStore.open(join(await tempDir(t), 'guests.db'));
  t.teardown(() => guests.close());
  await guests.insert({ id: 'a', state: 'running' });
  const { log, lines } = keepLines();
  const revisions = new GuestRevisions(guests, log);
  await revisions.report(told('running', 1));
  return { guests, revisions, lines };
};

test('a state that is told while its guest is being removed is no error', async (t) => {
  const { guests, revisions, lines } = await setUp(t);
  const removed = guests.remove('a');
  await revisions.report(told('shutoff', 2));
  await removed;
  t.deepEqual([guests.list(), lines], [[], []]);
});

test('a guest that is lost while it is being removed is no error', async (t) => {
  const { guests, revisions, lines } = await setUp(t);
  const removed = guests.remove('a');
  t.true(await revisions.lose('a'));
  await removed;
  t.deepEqual([guests.list(), lines], [[], []]);
});

test('a state whose revision was retracted counts when it is told again, and a later one that was heard stays', async (t) => {
  const { guests, revisions } = await setUp(t);
  t.true(revisions.advance('a', 2));
  revisions.retract('a', 2);
  await revisions.report(told('paused', 2));
  t.is(guests.get('a').state, 'paused');
  revisions.retract('a', 1);
  await revisions.report(told('running', 1));
  t.is(guests.get('a').state, 'paused');
});
