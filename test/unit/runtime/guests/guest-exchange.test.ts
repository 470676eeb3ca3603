import '../../../helpers/faulty-disk.js';

import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Guest } from '../../../../lib/model/guest.js';
import type { GuestResponse } from '../../../../lib/rpc/protocol/messages.js';
import { guestExchange } from '../../../../lib/runtime/guests/guest-exchange.js';
import { GuestRevisions } from '../../../../lib/runtime/guests/guest-revisions.js';
import type { Stage } from '../../../../lib/runtime/pipeline/action.js';
import { GuestStore } from '../../../../lib/store/guest-store.js';
import { withFaults } from '../../../helpers/faulty-disk.js';
import { GUEST_ID, silentLog } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';

const id = GUEST_ID;
const stage = { service: { name: 'qemu' }, method: 'QEMU.Restart' } as Stage;
const action = { name: 'restart', type: 'async', stages: [stage] } as const;
const running: Guest = { id, state: 'running', vnc: 5901 };

const told = (state: string, revision: number, vnc = 0) => ({ id, state, vnc, revision });

/** A stage that was sent a running guest; `answer` gives its answer. */
const asked = async (t: ExecutionContext, guest = running) => {
  const dir = await tempDir(t);
  const guests = await GuestStore.open(join(dir, 'guests.db'));
  t.teardown(() => guests.close());
  await guests.insert(guest);
  const revisions = new GuestRevisions(guests, silentLog);
  const exchange = guestExchange(guests, revisions, action, id);
  const request = exchange.request(stage);
  const answer = async (response: GuestResponse) => exchange.answered?.(stage, response, request);
  return { dir, guests, revisions, answer };
};

test('an answered state that is as it was sent ends that of a guest whose sub-agent was lost meanwhile', async (t) => {
  const { guests, revisions, answer } = await asked(t);
  await revisions.report(told('running', 1, 5901));
  await revisions.lose(id);
  t.deepEqual(guests.get(id), { id, state: 'unknown' });
  await answer({ guest: running, revision: 1 });
  t.deepEqual(guests.get(id), running);
});

test('an answered state that is as it was sent goes before an older one that was told meanwhile', async (t) => {
  const { guests, revisions, answer } = await asked(t);
  await revisions.report(told('shutoff', 2));
  await answer({ guest: running, revision: 3 });
  await revisions.report(told('running', 3, 5901));
  t.deepEqual(guests.get(id), running);
});

test('an answered state that is older than one told meanwhile is not stored', async (t) => {
  const { guests, revisions, answer } = await asked(t, { id, state: 'paused' });
  await revisions.report(told('crashed', 2));
  await answer({ guest: running, revision: 1 });
  t.deepEqual(guests.get(id), { id, state: 'crashed' });
});

test('a state without a revision that is as it was sent does not undo one told meanwhile', async (t) => {
  const { guests, revisions, answer } = await asked(t);
  await revisions.report(told('crashed', 2));
  await answer({ guest: running });
  t.deepEqual(guests.get(id), { id, state: 'crashed' });
});

for (const guest of [{ id }, { id, state: 'create' }])
  test(`a revision with ${guest.state ?? 'no'} state does not keep out the one it is of`, async (t) => {
    const { guests, revisions, answer } = await asked(t);
    await answer({ guest, revision: 2 });
    await revisions.report(told('paused', 2));
    t.deepEqual(guests.get(id), { id, state: 'paused' });
  });

test('an answered state that could not be stored counts when it is told again', async (t) => {
  const { dir, guests, revisions, answer } = await asked(t, { id, state: 'shutoff' });
  const full = { code: 'ENOSPC', written: 0 } as const;
  await withFaults(
    dir,
    () => full,
    () => t.throwsAsync(answer({ guest: running, revision: 2 }), { message: /is full/ }),
  );
  t.is(guests.get(id).state, 'shutoff');
  await revisions.report(told('running', 2, 5901));
  t.deepEqual(guests.get(id), running);
});
