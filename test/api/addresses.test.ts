import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Guest } from '../../lib/model/guest.js';
import type { GuestAddress } from '../../lib/model/guest-addresses.js';
import { addGuest, type TestAgentOptions } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';
import { mistify } from '../helpers/command-line.js';
import { until } from '../helpers/wait.js';

const LEASED: GuestAddress = {
  ...{ address: '192.0.2.7', nic: 'net0', mac: '52:54:00:12:34:56' },
  source: 'dhcp lease',
};

const listed = async ({ call }: Api, query = ''): Promise<Guest[]> =>
  (await call('GET', `/guests${query}`)).body as Guest[];

interface Learned extends Api {
  guest: Guest;
}

/** Serves an agent that has learned the address of its guest, which is LEASED by default. */
const serveLearned = async (t: ExecutionContext, options: TestAgentOptions = {}): Promise<Learned> => {
  const api = await serveApi(t, { guests: { list_addresses: true }, ...options });
  const guest = await addGuest(api.context, { metadata: { name: 'web' } });
  await until('its address is learned', async () => (await listed(api))[0]?.addresses);
  return { ...api, guest };
};

test('lists guests with the addresses that the agent has learned', async (t) => {
  const api = await serveLearned(t);
  t.deepEqual((await listed(api))[0], { ...api.guest, addresses: [LEASED] });
  t.deepEqual(await listed(api, '?fields=addresses&limit=1'), [
    { addresses: [LEASED] },
  ] as unknown as Guest[]);
});

test('neither stores addresses nor changes a guest and its ETag with them', async (t) => {
  let address = LEASED.address;
  const api = await serveLearned(t, {
    methods: {
      'Test.guestAddresses': ({ guest: { id } }) => ({ guest: { id }, result: [{ ...LEASED, address }] }),
    },
  });
  const path = `/guests/${api.guest.id}`;
  const { headers, body } = await api.call('GET', path);
  t.deepEqual(body, api.guest);
  address = '192.0.2.8';
  t.like(await api.call('GET', `${path}/addresses`), { body: [{ address }] });
  t.is((await listed(api))[0]?.addresses?.[0]?.address, address, 'a request for it teaches the agent');
  const etag = headers.get('etag') ?? '';
  t.is((await api.call('GET', path, undefined, { 'If-None-Match': etag })).status, 304);
  t.is((await api.call('POST', `${path}/suspend?wait=30`, undefined, { 'If-Match': etag })).status, 200);
  const files = await readdir(api.dbpath, { recursive: true, withFileTypes: true });
  for (const file of files.filter((each) => each.isFile()))
    t.notRegex(await readFile(join(file.parentPath, file.name), 'utf8'), /192\.0\.2/, file.name);
});

test('ignores addresses in a new guest, and says in a change where they come from', async (t) => {
  const api = await serveLearned(t);
  const [{ id, ...copy }] = (await listed(api)) as [Guest];
  const created = await api.call('POST', '/guests?wait=30', { ...copy, metadata: { name: 'copy' } });
  t.is(created.status, 200);
  t.false('addresses' in (created.body as Guest));
  const { status, body } = await api.call('PATCH', `/guests/${id}`, { addresses: [] });
  t.is(status, 400);
  t.regex(
    (body as { message: string }).message,
    /"addresses" cannot be changed here: the agent sets it; change the static address of a NIC at/,
  );
});

test('lists no addresses, and asks for none, when the config says so', async (t) => {
  const api = await serveApi(t, { guests: { list_addresses: false } });
  const guest = await addGuest(api.context);
  t.like(await api.call('GET', `/guests/${guest.id}/addresses`), { body: [LEASED] });
  t.deepEqual(await listed(api), [guest]);
});

test('shows addresses on the command line', async (t) => {
  const { url, context } = await serveLearned(t, {
    methods: {
      'Test.guestAddresses': ({ guest: { id } }) => ({
        guest: { id },
        result: [{ address: 'fe80::1\u001b[2J', nic: 'net0', source: 'guest agent' }, LEASED],
      }),
    },
  });
  await addGuest(context, { state: 'shutoff', metadata: { name: 'off' } });
  const { stdout } = await mistify(t, url, 'guest', 'list');
  t.regex(stdout, /^ID +NAME +STATE +ADDRESS .*\n\S+ +web +running +192\.0\.2\.7\n\S+ +off +shutoff\n?$/);
  const shown = await mistify(t, url, 'guest', 'show', 'web');
  t.regex(
    shown.stdout,
    /^addresses +address=fe80::1\\x1b\[2J nic=net0 source=guest agent\n +address=192\.0\.2\.7 /m,
  );
  t.notRegex((await mistify(t, url, 'guest', 'show', 'web', '--fields', 'state')).stdout, /address/);
  const off = await mistify(t, url, 'guest', 'show', 'off');
  t.is(off.exitCode, 0, off.stderr);
  t.notRegex(off.stdout + off.stderr, /address/);
});

test('shows a guest on the command line although its addresses are unknown', async (t) => {
  const { url, context } = await serveApi(t, {
    actions: { guestAddresses: undefined },
    methods: {
      'Test.containerGuestAddresses': () => {
        throw new Error('the engine is busy');
      },
    },
  });
  await addGuest(context, { metadata: { name: 'web' } });
  await addGuest(context, { type: 'container', metadata: { name: 'box' } });
  const show = async (name: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await mistify(t, url, 'guest', 'show', name);
    t.is(exitCode, 0, stderr);
    t.regex(stdout, /^state +running$/m);
    return stderr;
  };
  t.is(await show('web'), '', 'an agent without the action');
  t.regex(await show('box'), /^addresses unknown: .*the engine is busy/);
});
