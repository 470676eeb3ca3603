import test from 'ava';
import type { Nic } from '../../lib/model/guest.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { mistify } from '../helpers/command-line.js';
import { until } from '../helpers/wait.js';

const nic = (name: string, more: Partial<Nic> = {}): Nic => ({
  ...{ name, network: 'br0', model: 'virtio', address: '', netmask: '', gateway: '', vlans: [] },
  ...more,
});

const ALONE = { state: 'running', nics: [nic('net0')] };

test('sends a change of the NICs to the sub-agent and stores the NICs that it returns', async (t) => {
  const { call, context, scripted } = await serveApi(t, {
    methods: {
      'Test.addNic': ({ guest }) => ({
        guest: { ...guest, nics: [nic('net0'), nic('net1')] },
        message: 'the guest has NIC net1',
      }),
    },
  });
  const { id } = await addGuest(context, ALONE);
  const reply = await call('POST', `/guests/${id}/nics?wait=30`, { network: 'br0', link: 'down' });
  t.like(reply, { status: 200, body: { nics: [{ name: 'net0' }, { name: 'net1' }] } });
  t.deepEqual(scripted.requests('Test.addNic')[0]?.change, { nic: { network: 'br0', link: 'down' } });
  await call('PATCH', `/guests/${id}/nics/net1?wait=30`, { network: 'br1', vlans: [7] });
  t.deepEqual(scripted.requests('Test.changeNic')[0]?.change, {
    name: 'net1',
    nic: { network: 'br1', vlans: [7] },
  });
  await call('DELETE', `/guests/${id}/nics/net1?wait=30`);
  t.deepEqual(scripted.requests('Test.removeNic')[0]?.change, { name: 'net1' });
  const { body } = await call('GET', `/guests/${id}/jobs`);
  t.like((body as object[]).at(-1), { Action: 'addNic', Message: 'the guest has NIC net1' });
});

test('rejects changes that cannot work, and says what to do', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, ALONE);
  const other = await addGuest(context, {
    nics: [nic('net0', { mac: '52:54:00:00:00:01', address: '192.0.2.10/24' })],
  });
  const container = await addGuest(context, { type: 'container', nics: [nic('net0')] });
  const nics = `/guests/${id}/nics`;
  const cases: [string, string, unknown, number, RegExp][] = [
    ['POST', nics, {}, 400, /"network" is required/],
    ['POST', nics, null, 400, /./],
    ['POST', nics, { network: 'br0', mac: '00:00:00:00:00:00' }, 400, /"mac" must not be all zeros/],
    ['POST', nics, { network: 'br0', link: 'loose' }, 400, /"link" must be/],
    [
      'POST',
      nics,
      { network: 'br0', mac: '52:54:00:00:00:01' },
      409,
      new RegExp(`guest ${other.id} has the MAC`),
    ],
    ['POST', nics, { network: 'br0', address: '192.0.2.10/24' }, 409, /has the address 192\.0\.2\.10/],
    ['PATCH', `${nics}/net0`, { address: '192.0.2.10/24' }, 409, /has the address 192\.0\.2\.10/],
    ['PATCH', `${nics}/net0`, {}, 400, /the body names no change: give network, vlans, link/],
    [
      'PATCH',
      `${nics}/net0`,
      { model: 'e1000' },
      400,
      /"model" of a NIC is fixed: remove the NIC and add another/,
    ],
    ['PATCH', `${nics}/net0`, { network: '' }, 400, /"network" must not be empty/],
    ['PATCH', `${nics}/net7`, { link: 'down' }, 404, /has no NIC net7: its NICs are net0$/],
    ['DELETE', `${nics}/net7`, undefined, 404, /has no NIC net7: its NICs are net0$/],
    ['POST', `/guests/${container.id}/nics`, { network: 'br0' }, 400, /is a container, whose NICs are fixed/],
    ['DELETE', `/guests/${container.id}/nics/net0`, undefined, 400, /is a container, whose NICs are fixed/],
  ];
  for (const [method, path, body, status, message] of cases) {
    const reply = await call(method, path, body);
    t.is(reply.status, status, `${method} ${path} ${JSON.stringify(body)}: ${reply.text}`);
    t.regex((reply.body as { message: string }).message, message);
  }
  t.deepEqual(scripted.calls, []);
});

test('does not let two guests get one address at the same time', async (t) => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { call, context, scripted } = await serveApi(t, {
    methods: {
      'Test.addNic': async ({ guest }) => {
        await held;
        return { guest };
      },
    },
  });
  const [one, two] = [await addGuest(context, ALONE), await addGuest(context, ALONE)];
  const body = { network: 'br0', address: '192.0.2.10/24' };
  const first = call('POST', `/guests/${one.id}/nics?wait=30`, body);
  await until('the first one runs', () => scripted.requests('Test.addNic').length === 1);
  const second = await call('POST', `/guests/${two.id}/nics?wait=30`, body);
  t.is(second.status, 409);
  t.regex(second.text, new RegExp(`guest ${one.id} has the address 192\\.0\\.2\\.10`));
  release();
  t.is((await first).status, 200);
});

test('changes the NICs only of the version of the guest that the client has seen', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, ALONE);
  const headers = { 'If-Match': '"another"' };
  t.is((await call('DELETE', `/guests/${id}/nics/net0`, undefined, headers)).status, 412);
  t.deepEqual(scripted.calls, []);
});

test('responds with 404 where the config does not change NICs', async (t) => {
  const { call, context } = await serveApi(t, { actions: { addNic: undefined } });
  const { id } = await addGuest(context, ALONE);
  t.like(await call('POST', `/guests/${id}/nics`, { network: 'br0' }), { status: 404 });
});

test('the command line lists, adds, changes and removes NICs', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, {
    state: 'running',
    nics: [nic('net0', { link: 'down', vlans: [7, 8] })],
    metadata: { name: 'web' },
  });
  const run = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await mistify(t, url, 'guest', 'nic', ...args);
    t.is(exitCode, 0, stderr);
    return stdout;
  };
  t.regex(await run('list', 'web'), /NIC +NETWORK +VLANS .*\nnet0 +br0 +7, 8 .* down/);
  await run('add', 'web', ...'--network br1 --vlan 10 --vlan 20 --model e1000 --link down --wait'.split(' '));
  t.deepEqual(scripted.requests('Test.addNic')[0]?.change, {
    nic: { network: 'br1', model: 'e1000', vlans: [10, 20], link: 'down' },
  });
  await run('set', 'web', 'net0', '--link', 'up', '--vlan', 'none', '--wait');
  t.deepEqual(scripted.requests('Test.changeNic')[0]?.change, {
    name: 'net0',
    nic: { vlans: [], link: 'up' },
  });
  await run('remove', id, 'net0', '--wait');
  t.deepEqual(scripted.requests('Test.removeNic')[0]?.change, { name: 'net0' });
  const nothing = await mistify(t, url, 'guest', 'nic', 'set', 'web', 'net0');
  t.regex(nothing.stderr, /nothing to change: give --network, --vlan, --link or --address/);
});

test('lists the addresses of a guest, also on the command line', async (t) => {
  const { call, url, context } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'running', metadata: { name: 'web' } });
  const address = { address: '192.0.2.7', nic: 'net0', mac: '52:54:00:12:34:56', source: 'dhcp lease' };
  t.like(await call('GET', `/guests/${id}/addresses`), { status: 200, body: [address] });
  const container = await addGuest(context, { type: 'container', state: 'running' });
  t.like(await call('GET', `/guests/${container.id}/addresses`), {
    body: [{ address: '10.88.0.2', source: 'engine' }],
  });
  const { stdout, stderr } = await mistify(t, url, 'guest', 'addresses', 'web');
  t.regex(stdout, /ADDRESS +NIC +MAC +SOURCE\n192\.0\.2\.7 +net0 +52:54:00:12:34:56 +dhcp lease/, stderr);
});
