import ava from 'ava';
import type { HostDetails } from '../../lib/model/host-details.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { mistify } from '../helpers/command-line.js';

ava('describes the host, with what does not respond in time as a problem', async (t) => {
  const { context, call, url } = await serveApi(t, {
    methods: {
      'Test.storageSpace': () => {
        throw new Error('the pool tank is gone');
      },
      'Test.networks': () => ({
        networks: [{ name: 'br0', kind: 'bridge', guests: ['vm'], subnets: [], usable: true }],
        problems: ['the networks of the engine could not be listed'],
      }),
    },
  });
  await addGuest(context, { memory: 512 });
  await addGuest(context, { memory: 256, state: 'crashed' });
  const { status, body } = await call('GET', '/host');
  const host = body as HostDetails;
  t.is(status, 200);
  t.like(host, { phase: 'up', waiting: [], guests: { running: 1, crashed: 1 } });
  t.is(host.memory.guests, 512);
  t.true(host.memory.available > 0 && host.memory.available <= host.memory.size);
  t.deepEqual(host.programs.map(({ name }) => name).slice(0, 3), ['Mistify Agent', 'Node.js', 'Linux']);
  t.deepEqual(
    host.networks?.map(({ name }) => name),
    ['br0'],
  );
  t.deepEqual(
    host.space.map(({ name }) => name),
    ["the agent's state"],
  );
  const messages = host.problems.map(({ message }) => message).join('\n');
  t.regex(messages, /the pool tank is gone/);
  t.regex(messages, /the networks of the engine could not be listed/);
  t.regex(messages, /1 guest crashed/);

  const shown = await mistify(t, url, 'host');
  t.regex(shown.stdout, /^guests +1 running, 1 crashed$/m);
  t.regex(shown.stdout, /^guests +1 guest crashed: its page/m);
  t.like(JSON.parse((await mistify(t, url, 'host', '--json')).stdout), { name: host.name });
});

ava('records in a job who requested it, and for which guest, image and snapshot', async (t) => {
  const { context, call } = await serveApi(t);
  const { id } = await addGuest(context, { metadata: { name: 'web' } });
  await call('POST', `/guests/${id}/snapshots?wait=30`, { dest: 'monday' });
  await call('DELETE', `/guests/${id}?wait=30`);
  await call('POST', '/guests?wait=30', { metadata: { name: 'new' }, image: 'debian-12' });
  const { body } = await call('GET', '/jobs');
  t.like(body, [
    { Action: 'create', RequestedBy: 'local', GuestName: 'new', ImageID: 'debian-12' },
    { Action: 'delete', RequestedBy: 'local', GuestName: 'web' },
    { Action: 'createSnapshot', RequestedBy: 'local', GuestName: 'web', SnapshotName: 'monday' },
  ]);
});
