import test from 'ava';
import { requireVolumes } from '../../../lib/auth/authorize.js';
import { normalizeGuest } from '../../../lib/model/guest.js';
import { grantsOfScope } from '../../../lib/model/rights.js';

// Guarantees: G27.

const mount = (source: string) => ({ type: 'volume', source, target: '/data' }) as const;

const guests = [
  normalizeGuest({
    id: '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10',
    type: 'container',
    tags: ['web'],
    container: { mounts: [mount('shop')] },
  }),
  normalizeGuest({
    id: '8d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10',
    type: 'container',
    container: { mounts: [mount('books')] },
  }),
];

const WEB = { grants: grantsOfScope('operate', { tags: ['web'] }) };

test('a client with rights for some guests mounts the volumes that they have, and no others', (t) => {
  t.notThrows(() => requireVolumes(WEB, { mounts: [mount('shop')] }, guests));
  for (const name of ['books', 'unknown'])
    t.throws(() => requireVolumes(WEB, { mounts: [mount('shop'), mount(name)] }, guests), {
      message: new RegExp(`volume ${name} is mounted by none of your guests`),
    });
  t.throws(() => requireVolumes(WEB, { imageMounts: [{ target: '/v', volume: 'books' }] }, guests));
});

test('a client with rights for all guests mounts any volume', (t) => {
  const all = { grants: grantsOfScope('operate') };
  t.notThrows(() => requireVolumes(all, { mounts: [mount('unknown')] }, guests));
});

test('a patch that returns the mounts to their default mounts nothing', (t) => {
  t.notThrows(() => requireVolumes(WEB, { mounts: null, imageMounts: null }, guests));
});
