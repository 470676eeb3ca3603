import test from 'ava';
import { Command } from 'commander';
import fc from 'fast-check';
import { split } from 'shlex';
import { addCreate } from '../../../lib/cli/commands/guest-create.js';
import { createCurl, createLine } from '../../../lib/client/create-line.js';
import { type CreateOptions, guestSpec } from '../../../lib/client/guest-spec.js';

/** Reads a line as a shell and the command line do. */
const parsed = (line: string): CreateOptions => {
  const guest = new Command('guest');
  addCreate(guest);
  const [create] = guest.commands;
  const [program, ...words] = split(line);
  if (!create || program !== 'mistify') throw new Error(`not a create: ${line}`);
  create.action(() => {}).parse(words.slice(2), { from: 'user' });
  return create.opts<CreateOptions>();
};

const FULL: Required<Omit<CreateOptions, 'container'>> = {
  ...{
    id: '6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80',
    name: 'web 1',
    image: 'debian-12',
    description: "it's\nours",
  },
  ...{
    memory: 2048,
    cpu: 2,
    maxMemory: 4100,
    maxCpu: 4,
    tag: ['web', 'shop'],
    cpuModel: 'max',
    tablet: false,
  },
  ...{ firmware: 'uefi', secureBoot: true, tpm: true, networkBoot: true, video: 'virtio', watchdog: 'reset' },
  ...{ disk: [10_240, 512], cdrom: ['netinst'], start: false },
  nic: [
    { network: 'user', model: 'virtio' },
    { network: 'br0', model: 'e1000', mac: '52:54:00:12:34:56', name: 'lan', vlans: [10, 20] },
    { network: 'br1', model: 'virtio', address: '192.0.2.10/24', gateway: '192.0.2.1' },
  ],
  autostart: { policy: 'last', order: 10, delay: 30, shutdownTimeout: 120, hostDown: 'save' },
  restart: { policy: 'on-failure', maxRetries: 5, window: 600 },
  metadata: { 'user-data': '#cloud-config\nruncmd: ["echo \'$HOME\'"]\n', empty: '' },
  ...{ command: 'sh -c "sleep 9"', entrypoint: '[]', user: '1:1', workdir: '/srv', hostname: 'web' },
  ...{ env: { A: '1', B: 'two = 2' }, secretEnv: { KEY: '*' }, label: { a: 'b' }, stopSignal: 'SIGINT' },
  ...{ stopTimeout: 0, init: true, readOnly: true, keepImageVolumes: true, pidsLimit: 100 },
  ...{ capAdd: ['NET_RAW'], capDrop: ['ALL'], device: ['/dev/fuse'], newPrivileges: false },
  ...{ healthCommand: 'true', healthInterval: 1, healthTimeout: 2, healthRetries: 3, healthStartPeriod: 4 },
  ...{ unlimitedMemory: true, swap: 0, ulimit: { nofile: 1024, core: { soft: 0, hard: -1 } } },
  mount: [
    { type: 'volume', source: 'shop-data', target: '/data', readOnly: true },
    { type: 'bind', source: '/srv/shop', target: '/srv' },
    { type: 'tmpfs', target: '/cache', size: 64, mode: '0700' },
  ],
  publish: [
    { hostPort: 8080, port: 80 },
    { hostAddress: '2001:db8::1', hostPort: 53, port: 53, protocol: 'udp' },
  ],
  ...{ alias: ['shop'], addHost: { db: '192.0.2.7' }, dns: ['192.0.2.53'], dnsSearch: ['example.org'] },
};

/** Says what a guest created so would be, and whether it would run. */
const outcome = ({ start = true, ...options }: CreateOptions) => ({ start, spec: guestSpec(options) });

test('writes every choice such that the command line reads it back', (t) => {
  for (const options of [{ ...FULL, container: true }, FULL, { image: 'tiny', newPrivileges: true }, {}])
    t.deepEqual(outcome(parsed(createLine(options))), outcome(options));
});

test('writes any text such that a shell and the command line read it back', (t) => {
  const text = fc.string({ unit: 'grapheme' });
  const options = fc.record({ name: text, description: text, metadata: fc.record({ 'user-data': text }) });
  fc.assert(
    fc.property(options, (chosen) => {
      t.deepEqual(outcome(parsed(createLine(chosen))), outcome(chosen));
    }),
  );
});

test('quotes only what a shell would change', (t) => {
  t.is(
    createLine({
      image: 'debian-12',
      memory: 2048,
      nic: [{ network: 'br0', model: 'virtio' }],
      name: 'web 1',
    }),
    "mistify guest create --image debian-12 --name 'web 1' --memory 2G --nic br0",
  );
});

test('writes the request for curl', (t) => {
  const spec = guestSpec({ image: 'tiny', description: "it's ours" });
  const [program, url, ...options] = split(
    createCurl(spec, { origin: 'http://127.0.0.1:8080', start: false, hasToken: true }),
  );
  t.deepEqual([program, url], ['curl', 'http://127.0.0.1:8080/guests?start=false']);
  t.deepEqual(options.slice(0, 2), ['-H', 'Authorization: Bearer $MISTIFY_TOKEN']);
  t.deepEqual(JSON.parse(options[3] ?? ''), spec);
  t.false(createCurl(spec, { origin: 'http://a', start: true, hasToken: false }).includes('start'));
});
