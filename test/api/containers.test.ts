import test from 'ava';
import type { GuestAction } from '../../lib/model/actions.js';
import { addGuest, finished } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';

const GUEST_ACTIONS: readonly GuestAction[] = [
  'shutdown',
  'reboot',
  'restart',
  'poweroff',
  'start',
  'suspend',
  'resume',
  'save',
  'delete',
];

const prefixed = (name: string): string => `container${name.charAt(0).toUpperCase()}${name.slice(1)}`;

test('creates a container with the container action', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  const { body, jobId } = await call('POST', '/guests', { type: 'container', image: 'busybox' });
  t.like(body, { type: 'container', image: 'busybox', state: 'create' });
  t.like(await finished(context, jobId), { Action: 'containerCreate', Status: 'Complete' });
  t.deepEqual(
    scripted.calls.map(({ method, request }) => `${method} ${request.action}`),
    ['Test.containerCreate containerCreate'],
  );
});

for (const action of GUEST_ACTIONS)
  test(`runs ${prefixed(action)} for every container and ${action} for a virtual machine`, async (t) => {
    const { call, context, scripted } = await serveApi(t);
    const containers = [
      await addGuest(context, { type: 'container' }),
      await addGuest(context, { type: 'container' }),
    ];
    const machine = await addGuest(context, { type: 'kvm' });
    for (const { id } of [...containers, machine]) {
      const { jobId } = await call('POST', `/guests/${id}/${action}`);
      t.is((await finished(context, jobId)).Status, 'Complete');
    }
    t.deepEqual(
      scripted.calls.map(({ method }) => method),
      [`Test.${prefixed(action)}`, `Test.${prefixed(action)}`, `Test.${action}`],
    );
  });

for (const type of ['cpu', 'disk', 'nic'])
  test(`gets the ${type} metrics of a container with ${prefixed(`${type}Metrics`)}`, async (t) => {
    const { call, context, scripted } = await serveApi(t);
    const { id } = await addGuest(context, { type: 'container' });
    t.is((await call('GET', `/guests/${id}/metrics/${type}`)).status, 200);
    t.deepEqual(
      scripted.calls.map(({ method }) => method),
      [`Test.${prefixed(`${type}Metrics`)}`],
    );
  });
