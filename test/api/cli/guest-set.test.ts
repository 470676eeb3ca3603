import test from 'ava';
import { addGuest } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { mistify } from '../../helpers/command-line.js';

test('sends what the options say, and adds and removes tags', async (t) => {
  const { url, context, scripted } = await serveApi(t, {
    methods: {
      'Test.update': ({ guest: { id } }) => ({
        guest: { id, cpu: 4, pending: { memory: 2048 } },
        message: 'it gets 2048 MB of memory at its next start',
      }),
    },
  });
  const { id } = await addGuest(context, {
    ...{ memory: 512, cpu: 1, description: 'old', tags: ['a', 'b'], metadata: { name: 'web' } },
  });
  const { exitCode, stdout, stderr } = await mistify(
    t,
    url,
    ...['guest', 'set', 'web', '--memory', '2G', '--cpu', '4', '--max-memory', 'default', '--wait'],
    ...['--name', 'shop', '--description', '', '--tag', 'c', '--tag', 'b', '--untag', 'a', '--untag', 'x'],
    ...['--autostart', 'last,order=10'],
  );
  t.is(exitCode, 0, stderr);
  t.regex(stdout, /^set web: done in .*: it gets 2048 MB of memory at its next start$/m);
  t.deepEqual(scripted.requests('Test.update')[0]?.change, { memory: 2048, cpu: 4, maxMemory: null });
  const guest = context.guests.get(id);
  t.like(guest, { metadata: { name: 'shop' }, tags: ['b', 'c'], autostart: { policy: 'last', order: 10 } });
  t.false('description' in guest);
  const list = await mistify(t, url, 'guest', 'list');
  t.regex(list.stdout, / 4 +512 MB -> 2 GB +b, c$/m);
  const shown = await mistify(t, url, 'guest', 'show', 'shop');
  t.regex(shown.stdout, /^pending +memory=2 GB$/m);
});

test('says in a dry run what would change, and when', async (t) => {
  const { url, context } = await serveApi(t, {
    actions: { update: [{ check: 'Test.checkUpdate' }] },
    methods: {
      'Test.checkUpdate': ({ guest: { id } }) => ({
        guest: { id, memory: 512, cpu: 2, pending: { memory: 256, maxCpu: null } },
      }),
    },
  });
  const { id } = await addGuest(context, { memory: 512, cpu: 1 });
  const { stdout } = await mistify(t, url, 'guest', 'set', id, '--memory', '256', '--cpu', '2', '--dry-run');
  t.regex(
    stdout,
    /^the guest would have 2 vCPUs at once; it would get 256 MB of memory and none as maxCpu at its next start: /m,
  );
  t.is(context.guests.get(id).cpu, 1);
});

test('sets firmware, TPM and devices, and returns some to their defaults', async (t) => {
  const { url, context, scripted } = await serveApi(t, {
    methods: {
      'Test.update': ({ guest: { id } }) => ({
        guest: { id, pending: { machine: { firmware: 'uefi', tpm: true }, devices: { video: 'virtio' } } },
      }),
    },
  });
  const { id } = await addGuest(context, { memory: 512 });
  const { exitCode, stderr } = await mistify(
    t,
    url,
    ...['guest', 'set', id, '--firmware', 'uefi', '--secure-boot', 'on', '--tpm', 'on', '--wait'],
    ...['--network-boot', 'default', '--video', 'virtio', '--watchdog', 'reset', '--tablet', 'off'],
  );
  t.is(exitCode, 0, stderr);
  t.deepEqual(scripted.requests('Test.update')[0]?.change, {
    machine: { firmware: 'uefi', secureBoot: true, tpm: true, networkBoot: null },
    devices: { tablet: false, video: 'virtio', watchdog: 'reset' },
  });
  const shown = await mistify(t, url, 'guest', 'show', id);
  t.regex(shown.stdout, /^pending +machine: firmware=uefi tpm=true\n +devices: video=virtio$/m);
  const wrong = await mistify(t, url, 'guest', 'set', id, '--tpm', 'yes');
  t.is(wrong.exitCode, 2);
  t.regex(wrong.stderr, /Allowed choices are on, off, default/);
});

test('says in a dry run what becomes of the UEFI variables', async (t) => {
  const machine = { type: 'pc-q35-7.2', layout: 2, firmware: 'uefi', sockets: 1, threads: 1 } as const;
  const { url, context } = await serveApi(t, {
    actions: { update: [{ check: 'Test.checkUpdate' }] },
    methods: {
      'Test.checkUpdate': ({ guest: { id } }) => ({
        guest: { id, machine: { ...machine, secureBoot: true } },
      }),
    },
  });
  const { id } = await addGuest(context, { machine });
  const { stdout } = await mistify(t, url, 'guest', 'set', id, '--secure-boot', 'on', '--dry-run');
  t.regex(
    stdout,
    /^the guest would have Secure Boot at once; it would change .* would be kept for when Secure Boot is off again$/m,
  );
});

test('sends a boot order to the agent, or null for the default', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context);
  for (const order of ['disk1, cd0', 'default']) {
    const { exitCode, stderr } = await mistify(t, url, 'guest', 'set', id, '--boot-order', order, '--wait');
    t.is(exitCode, 0, stderr);
  }
  const changes = scripted.requests('Test.update').map(({ change }) => change);
  t.deepEqual(changes, [{ bootOrder: ['disk1', 'cd0'] }, { bootOrder: null }]);
  const refused = await mistify(t, url, 'guest', 'set', id, '--boot-order', 'floppy');
  t.regex(refused.stderr, /be a disk by its number or a CD drive, such as disk0 or cd0/);
});

test('refuses a change without options', async (t) => {
  const { url, context } = await serveApi(t);
  const { id } = await addGuest(context);
  const { exitCode, stderr } = await mistify(t, url, 'guest', 'set', id);
  t.is(exitCode, 2);
  t.regex(stderr, /nothing to change: give at least one option/);
});
