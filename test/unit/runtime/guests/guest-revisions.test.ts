import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { GuestRevisions } from '../../../../lib/runtime/guests/guest-revisions.js';
import { GuestStore } from '../../../../lib/store/guest-store.js';
import { keepLines } from '../../../helpers/log-lines.js';
import { tempDir } from '../../../helpers/temp.js';

const reported = (state: string, revision: number) => ({ id: 'a', state, vnc: 0, revision });

/** Stores a running guest whose state a sub-agent has reported. */
const setUp = async (t: ExecutionContext) => {
  const guests = await GuestStore.open(join(await tempDir(t), 'guests.db'));
  t.teardown(() => guests.close());
  await guests.insert({ id: 'a', state: 'running' });
  const { log, lines } = keepLines();
  const revisions = new GuestRevisions(guests, log);
  await revisions.report(reported('running', 1));
  return { guests, revisions, lines };
};

test('ignores a state reported while its guest is being removed', async (t) => {
  const { guests, revisions, lines } = await setUp(t);
  const removed = guests.remove('a');
  await revisions.report(reported('shutoff', 2));
  await removed;
  t.deepEqual([guests.list(), lines], [[], []]);
});

test('ignores the loss of a guest that is being removed', async (t) => {
  const { guests, revisions, lines } = await setUp(t);
  const removed = guests.remove('a');
  t.true(await revisions.markUnknown('a'));
  await removed;
  t.deepEqual([guests.list(), lines], [[], []]);
});

test('stores a state again after its revision is retracted, unless a later one is known', async (t) => {
  const { guests, revisions } = await setUp(t);
  t.true(revisions.advance('a', 2));
  revisions.retract('a', 2);
  await revisions.report(reported('paused', 2));
  t.is(guests.get('a').state, 'paused');
  revisions.retract('a', 1);
  await revisions.report(reported('running', 1));
  t.is(guests.get('a').state, 'paused');
});

test('stores a report’s hardware and warnings, and removes the warnings with a report without any', async (t) => {
  const { guests, revisions } = await setUp(t);
  const machine = { type: 'pc-q35-9.2', layout: 2, firmware: 'bios' as const, sockets: 1, threads: 1 };
  await revisions.report({ ...reported('running', 2), cpuModel: 'max', machine, warnings: ['old'] });
  t.like(guests.get('a'), { state: 'running', cpuModel: 'max', machine, warnings: ['old'] });
  await revisions.report(reported('paused', 3));
  t.like(guests.get('a'), { state: 'paused', cpuModel: 'max', machine, warnings: undefined });
});
