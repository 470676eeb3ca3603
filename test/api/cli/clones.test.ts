import test, { type ExecutionContext } from 'ava';
import { addGuest } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { mistify } from '../../helpers/command-line.js';

const withGuest = async (t: ExecutionContext) => {
  const api = await serveApi(t);
  const disk = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };
  const source = await addGuest(api.context, {
    ...{ state: 'shutoff', memory: 512, cpu: 1, disks: [disk] },
    metadata: { name: 'web', site: 'x', role: 'www' },
  });
  const run = (...args: string[]) => mistify(t, api.url, ...args);
  return { ...api, source, run };
};

test.serial('clones a guest, with what the clone has instead, and prints its ID', async (t) => {
  const { context, source, run, scripted } = await withGuest(t);
  const options = '--name web-2 --memory 2G --cpu 2 --nic br0 --tag test --metadata site=y --metadata role=';
  const { exitCode, stdout, stderr } = await run('guest', 'clone', 'web', ...options.split(' '), '--wait');
  t.is(exitCode, 0, stderr);
  t.regex(stderr, /^clone web as web-2: done in [\d.]+ s: .*SSH host keys and machine-id included/);
  const clone = context.guests.list().find(({ id }) => id !== source.id);
  t.is(clone?.id, stdout);
  t.like(clone, {
    ...{ memory: 2048, cpu: 2, tags: ['test'], nics: [{ network: 'br0' }] },
    metadata: { name: 'web-2', site: 'y' },
  });
  t.false('role' in (clone?.metadata ?? {}));
  t.is(scripted.requests('Test.clone').length, 1);
});

test.serial('clones a snapshot or the present state, linked or copied, and starts the clone', async (t) => {
  const { source, run, scripted } = await withGuest(t);
  const id = '6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80';
  const { exitCode, stderr } = await run(
    ...['guest', 'clone', 'web', '--snapshot', 'clean', '--linked', '--tpm', 'copy', '--id', id],
    ...['--start', '--wait'],
  );
  t.is(exitCode, 0, stderr);
  t.is((await run('guest', 'clone', 'web', '--full', '--wait')).exitCode, 0);
  const [linked, full] = scripted.requests('Test.clone');
  t.like(linked, {
    guest: { id },
    change: { source: source.id, snapshot: 'clean', linked: true, tpm: 'copy' },
  });
  t.like(full, { change: { linked: false, tpm: 'fresh' } });
  t.like(scripted.requests('Test.start')[0], { guest: { id } });
  t.is((await run('guest', 'clone', 'web', '--linked', '--full')).exitCode, 2);
});

test.serial('a dry run of a clone makes none', async (t) => {
  const { context, run } = await withGuest(t);
  const { exitCode, stdout } = await run('guest', 'clone', 'web', '--dry-run');
  t.is(exitCode, 0);
  t.is(stdout, 'clone web as web-clone: would be accepted; nothing was changed');
  t.is(context.guests.list().length, 1);
});

test.serial('makes a guest a template and a template a guest again', async (t) => {
  const { context, source, run } = await withGuest(t);
  t.is((await run('guest', 'template', 'web', '--wait')).exitCode, 0);
  t.true(context.guests.get(source.id).template);
  t.regex((await run('guest', 'list')).stdout, / web +template /);
  t.is((await run('guest', 'template', 'web', '--off', '--wait')).exitCode, 0);
  t.not(context.guests.get(source.id).template, true);
});
