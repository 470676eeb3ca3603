import '../../../helpers/faulty-disk.js';

import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Guest } from '../../../../lib/model/guest.js';
import type { GuestResponse } from '../../../../lib/rpc/protocol/guest-messages.js';
import { dryGuestExchange, guestExchange } from '../../../../lib/runtime/guests/guest-exchange.js';
import { GuestIdentities } from '../../../../lib/runtime/guests/guest-identities.js';
import { GuestRevisions } from '../../../../lib/runtime/guests/guest-revisions.js';
import { Quota } from '../../../../lib/runtime/guests/quota.js';
import type { Stage } from '../../../../lib/runtime/pipeline/action.js';
import { GuestStore } from '../../../../lib/store/guest-store.js';
import { withFaults } from '../../../helpers/faulty-disk.js';
import { GUEST_ID, silentLog } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';

const id = GUEST_ID;
const stage = { service: { name: 'qemu' }, method: 'QEMU.Restart' } as Stage;
const action = { name: 'restart', kind: 'async', isDownload: false, stages: [stage] } as const;
const running: Guest = { id, state: 'running', vnc: 5901 };

const reported = (state: string, revision: number, vnc = 0) => ({ id, state, vnc, revision });

/** Sends a guest to a stage; `respond` delivers the stage's response. */
const sendGuest = async (t: ExecutionContext, guest = running) => {
  const dir = await tempDir(t);
  const guests = await GuestStore.open(join(dir, 'guests.db'));
  t.teardown(() => guests.close());
  await guests.insert(guest);
  const revisions = new GuestRevisions(guests, silentLog);
  const identities = new GuestIdentities(guests, true);
  const quota = new Quota({}, guests);
  const exchange = guestExchange({ guests, revisions, identities, quota }, action, id);
  const request = exchange.request(stage);
  const respond = async (response: GuestResponse) => exchange.onResponse?.(stage, response, request);
  return { dir, guests, revisions, respond };
};

test('a response with an unchanged state restores a guest that became unknown meanwhile', async (t) => {
  const { guests, revisions, respond } = await sendGuest(t);
  await revisions.report(reported('running', 1, 5901));
  await revisions.markUnknown(id);
  t.deepEqual(guests.get(id), { id, state: 'unknown' });
  await respond({ guest: running, revision: 1 });
  t.deepEqual(guests.get(id), running);
});

test('a response with an unchanged state replaces an older state reported meanwhile', async (t) => {
  const { guests, revisions, respond } = await sendGuest(t);
  await revisions.report(reported('shutoff', 2));
  await respond({ guest: running, revision: 3 });
  await revisions.report(reported('running', 3, 5901));
  t.deepEqual(guests.get(id), running);
});

test('ignores the state of a response that is older than one reported meanwhile', async (t) => {
  const { guests, revisions, respond } = await sendGuest(t, { id, state: 'paused' });
  await revisions.report(reported('crashed', 2));
  await respond({ guest: running, revision: 1 });
  t.deepEqual(guests.get(id), { id, state: 'crashed' });
});

test('a response with an unchanged state and no revision keeps a state reported meanwhile', async (t) => {
  const { guests, revisions, respond } = await sendGuest(t);
  await revisions.report(reported('crashed', 2));
  await respond({ guest: running });
  t.deepEqual(guests.get(id), { id, state: 'crashed' });
});

for (const guest of [{ id }, { id, state: 'create' }])
  test(`a response with ${guest.state ?? 'no'} state does not consume its revision`, async (t) => {
    const { guests, revisions, respond } = await sendGuest(t);
    await respond({ guest, revision: 2 });
    await revisions.report(reported('paused', 2));
    t.deepEqual(guests.get(id), { id, state: 'paused' });
  });

test('stores a state that is reported again after its first write failed', async (t) => {
  const { dir, guests, revisions, respond } = await sendGuest(t, { id, state: 'shutoff' });
  const full = { code: 'ENOSPC', written: 0 } as const;
  await withFaults(
    dir,
    () => full,
    () => t.throwsAsync(respond({ guest: running, revision: 2 }), { message: /is full/ }),
  );
  t.is(guests.get(id).state, 'shutoff');
  await revisions.report(reported('running', 2, 5901));
  t.deepEqual(guests.get(id), running);
});

test('each stage gets the change that the action makes', (t) => {
  const change = { memory: 1024 };
  t.deepEqual(dryGuestExchange(action, running, change).request(stage), {
    ...{ guest: running, action: 'restart', change },
  });
});
