import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { GUEST_UIDS } from '../../../lib/process/guest-uids.js';
import { asUser } from '../../../lib/process/unprivileged.js';
import { type Api, serveApi } from '../../helpers/api.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost } from '../../helpers/qemu.js';

// Guarantees: G39.

const test = needs('root', 'setpriv', 'curl', 'bash');
const linuxTest = needs('root', 'genisoimage', ...LINUX_PARTS);

const GUEST_UID = GUEST_UIDS.first + 7;
const endpoint = { guestUids: [GUEST_UIDS] };

const runAs = (uid: number, command: string[]) =>
  execa('setpriv', [...asUser({ uid, gid: uid }), '--', ...command], { reject: false });

const statusAs = async (uid: number, url: string): Promise<string> =>
  (await runAs(uid, ['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', url])).stdout;

const portOf = ({ url }: Api): string => new URL(url).port;

for (const host of ['127.0.0.1', '::1', '::'])
  test(`refuses guests, and no other user, at an agent that listens on ${host}`, async (t) => {
    const listen = { host, port: 0 };
    const api = await serveApi(t, {}, undefined, { ...endpoint, listen });
    const names = host === '::' ? ['127.0.0.1', '[::1]'] : [host.includes(':') ? `[${host}]` : host];
    for (const name of names) {
      const url = `http://${name}:${portOf(api)}/guests`;
      for (const uid of [GUEST_UID, GUEST_UIDS.first, GUEST_UIDS.last])
        t.is(await statusAs(uid, url), '403', url);
      for (const uid of [0, 1000, 65_534]) t.is(await statusAs(uid, url), '200', url);
    }
  });

test('refuses a guest that closes its connection before the agent can look', async (t) => {
  const api = await serveApi(t, {}, undefined, endpoint);
  const body = '{"memory": 64}';
  const head = `POST /guests HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: ${body.length}\\r\\n\\r\\n`;
  const script = `exec 3<>/dev/tcp/127.0.0.1/${portOf(api)}; printf '${head}${body}' >&3`;
  for (let n = 0; n < 20; n += 1) await runAs(GUEST_UID, ['bash', '-c', script]);
  // The agent has read these requests once it has served a later one, and a moment more.
  t.is(await statusAs(0, `${api.url}/guests`), '200');
  await delay(200);
  t.deepEqual(api.context.guests.list(), []);
});

test('serves many requests of a connection after one look at its peer', async (t) => {
  const api = await serveApi(t, {}, undefined, endpoint);
  for (let n = 0; n < 50; n += 1) t.is((await api.call('GET', '/guests')).status, 200);
});

linuxTest('a guest on network user cannot call the agent of its host', async (t) => {
  const api = await serveApi(t, {}, undefined, endpoint);
  const host = await QemuHost.start(t);
  const url = `http://10.0.2.2:${portOf(api)}/guests`;
  const lines = [
    '#!/bin/sh',
    `until wget -q -O - ${url} 2> /run/refusal; grep -q 403 /run/refusal; do sleep 1; done`,
    'echo "mistify-guest: refused"',
    '',
  ];
  const guest = await LinuxGuest.create(t, host, {
    nics: [{ network: 'user' }],
    metadata: { 'user-data': lines.join('\n') },
  });
  await guest.says('refused');
  t.true(api.asked.includes('GET /guests'));
});
