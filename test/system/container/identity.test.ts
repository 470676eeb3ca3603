import { randomBytes } from 'node:crypto';
import ava from 'ava';
import type { Nic } from '../../../lib/model/guest.js';
import { containerName } from '../../../lib/subagents/container/definition.js';
import { newGuest, SharedEngine } from '../../helpers/containers.js';
import { IMAGE } from '../../helpers/engines/busybox.js';
import { needsEngineInTurn as test } from '../../helpers/engines/chosen.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const nic = (network: string): Nic => ({
  ...{ network, model: '', address: '', netmask: '', gateway: '', vlans: [] },
});

test('a create that a kill interrupted between two networks is repeated as if it were the first', async (t) => {
  const [engine, containers] = [await shared.engine(), await shared.containers()];
  const networks = [0, 1].map(() => `mcn${randomBytes(4).toString('hex')}`);
  for (const network of networks) await engine.createNetwork(network);
  const guest = newGuest({ nics: networks.map(nic) });
  const first = await containers.guest('CreateContainer', guest);
  await engine.run('network', 'disconnect', networks[1] ?? '', containerName(guest.id));
  t.deepEqual((await containers.guest('CreateContainer', guest)).guest, first.guest);
  await containers.guest('StartContainer', guest);
  const devices = await engine.run('exec', containerName(guest.id), 'ip', '-o', 'addr');
  t.is(devices.match(/ eth[01] +inet /g)?.length, 2, devices);
  const repeated = await containers.guest('CreateContainer', guest);
  t.like(repeated.guest, { memory: first.guest.memory, nics: first.guest.nics, state: 'running' });
  await containers.guest('DeleteContainer', guest);
});

test('a container that others rename stays its guest, and one of others with its name is left alone', async (t) => {
  const [engine, containers] = [await shared.engine(), await shared.containers()];
  const guest = newGuest({ container: { command: 'sleep 600', stopTimeout: 0 } });
  const name = containerName(guest.id);
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  await engine.run('rename', name, `${name}-renamed`);
  const foreign = await engine.run('create', '--name', name, IMAGE, 'sleep', '600');
  t.is((await containers.guest('Status', guest)).guest.state, 'running');
  const change = { container: { user: '1:1' } };
  const update = () => containers.call('Update', { guest, action: 'containerUpdate', change });
  await t.throwsAsync(update(), { message: /in use/ });
  t.is((await containers.guest('Status', guest)).guest.state, 'running');
  await engine.run('rm', foreign);
  t.is((await update()).guest.state, 'running');
  t.is(await engine.run('inspect', '--format', '{{.Config.User}}', name), '1:1');

  // An engine finishes a create that it was asked for by a sub-agent that was killed meanwhile.
  const orphan = ['create', '--label', `io.mistify.guest=${guest.id}`, '--name', `${name}.new`, IMAGE];
  await engine.run(...orphan);
  t.is((await update()).guest.state, 'running');
  await engine.run(...orphan);
  await containers.guest('DeleteContainer', guest);
  t.false((await engine.run('ps', '--all', '--format', '{{.Names}}')).includes(name));
  const other = await engine.run('create', '--name', name, IMAGE, 'sleep', '600');
  await containers.guest('DeleteContainer', guest);
  await t.throwsAsync(containers.guest('CreateContainer', guest), { message: /did not create/ });
  t.is(await engine.run('rm', other), other);
});
