import test from 'ava';
import { MistifyClient } from '../../lib/client/index.js';
import type { ContainerSpec } from '../../lib/model/container/spec.js';
import type { Guest } from '../../lib/model/guest.js';
import type { Scope } from '../../lib/model/rights.js';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import { serveApi } from '../helpers/api.js';
import { makeToken, serveGuarded } from '../helpers/guarded.js';
import { keepLines } from '../helpers/log-lines.js';

// Guarantees: G31.

const FIELDS: ContainerSpec = {
  command: ['sh', '-c', 'exec sleep 600'],
  entrypoint: [],
  env: { MODE: 'test', EMPTY: '' },
  user: '1000:1000',
  workingDir: '/srv',
  hostname: 'web-1',
  labels: { team: 'shop' },
  stopSignal: 'SIGINT',
  stopTimeout: 30,
  init: false,
  capAdd: ['NET_RAW'],
  capDrop: ['ALL'],
  pidsLimit: 64,
  noNewPrivileges: false,
  swap: 0,
  ulimits: { nofile: 512, core: { soft: 0, hard: -1 } },
  devices: ['/dev/fuse', 'nvidia.com/gpu=0'],
  ports: [
    { hostAddress: '192.0.2.1', hostPort: 8080, port: 80, protocol: 'udp' },
    { hostPort: 1, port: 2 },
  ],
  aliases: ['db'],
  extraHosts: { 'registry.example': '192.0.2.7' },
  dns: ['192.0.2.53', '2001:db8::53'],
  dnsSearch: ['shop.example'],
};

const newContainer = (container: unknown, more = {}): unknown => ({
  ...{ type: 'container', image: 'busybox', container },
  ...more,
});

test('a container keeps what its create says of it, and its sub-agent gets it', async (t) => {
  const { call, url, scripted } = await serveApi(t);
  const { status, body, text } = await call('POST', '/guests?wait=30', newContainer(FIELDS));
  t.is(status, 200, text);
  const { id } = body as Guest;
  t.deepEqual((await new MistifyClient({ url }).guests.get(id)).container, FIELDS);
  t.deepEqual(((await call('GET', '/guests?fields=container')).body as Guest[])[0], { container: FIELDS });
  const sent = JSON.stringify(scripted.requests('Test.containerCreate')[0]);
  t.true(sent.includes(JSON.stringify(FIELDS)), sent);
});

for (const [spec, message] of [
  [newContainer({ command: 'x' }, { type: 'kvm' }), /"container" describes a container/],
  [newContainer({ command: [1] }), /command/],
  [newContainer({ memroy: 64 }), /"container\.memroy" is not known: "memory" is a key of the guest/],
  [newContainer({ env: { 'A=B': '1' } }), /1 to 255 characters, none of them "="/],
  [newContainer({ env: { A: '1' }, secretEnv: { A: '2' } }), /has A in both env and secretEnv/],
  [newContainer({ user: 'two words' }), /www-data, 1000:1000/],
  [newContainer({ workingDir: 'srv' }), /absolute path/],
  [newContainer({ labels: { 'io.mistify.guest': 'x' } }), /does not begin with io\.mistify\./],
  [newContainer({ stopSignal: 'SIGNAL' }), /SIGINT/],
  [newContainer({ stopTimeout: -1 }), /stopTimeout/],
  [newContainer({ capAdd: 'NET_RAW' }), /capAdd/],
  [newContainer({ ports: [{ hostPort: 80 }] }), /port/],
  [newContainer({ ports: [{ hostPort: 80, port: 70_000 }] }), /at most 65535/],
  [newContainer({ ports: [{ hostAddress: 'localhost', hostPort: 80, port: 80 }] }), /hostAddress/],
  [newContainer({ extraHosts: { a: 'b' } }), /extraHosts/],
  [newContainer({ aliases: ['a b'] }), /host name/],
  [newContainer({ ulimits: { files: 1 } }), /choose from as, core/],
  [newContainer({ ulimits: { nofile: { soft: 1 } } }), /hard/],
  [newContainer({ devices: ['/etc/passwd'] }), /path below \/dev/],
  [newContainer({ devices: ['/dev/../etc/passwd'] }), /without \. and \.\./],
  [newContainer({ unlimitedMemory: true }, { memory: 64 }), /leave one of them out/],
  [{ cpu: 0.5, memory: 64 }, /"cpu" must be a whole number for a virtual machine, got 0\.5/],
  [{ memory: 64, restart: { policy: 'always' } }, /always for containers only/],
  [
    newContainer({
      env: { BIG: 'x'.repeat(100_000), BIGGER: 'x'.repeat(131_000), MORE: 'x'.repeat(99_000) },
    }),
    /at most/,
  ],
] as [unknown, RegExp][])
  test(`rejects ${JSON.stringify(spec).slice(0, 90)}`, async (t) => {
    const { call, context } = await serveApi(t);
    const { status, text } = await call('POST', '/guests', spec);
    t.is(status, 400, text);
    t.regex((JSON.parse(text) as { message: string }).message, message);
    t.deepEqual(context.guests.list(), []);
  });

test('a container may have a part of a CPU, and no limit of its memory unless the host has a quota', async (t) => {
  const spec = newContainer({ unlimitedMemory: true }, { cpu: 0.25, restart: { policy: 'always' } });
  const { call } = await serveApi(t);
  const { body } = await call('POST', '/guests?wait=30', spec);
  t.like(body, { cpu: 0.25, container: { unlimitedMemory: true }, restart: { policy: 'always' } });
  const limited = await serveApi(t, { quota: { memory: 1024 } });
  const { status, text } = await limited.call('POST', '/guests', spec);
  t.is(status, 409, text);
  t.regex(text, /quota of 1024 MB of memory: leave out container\.unlimitedMemory/);
});

for (const [key, field] of [
  ['command', 'container.command'],
  ['entrypoint', 'container.entrypoint'],
  ['env.A', 'container.env.A" or, when no client may read it, "container.secretEnv.A'],
  ['cap-add', 'container.capAdd'],
  ['cap-drop', 'container.capDrop'],
  ['pids-limit', 'container.pidsLimit'],
  ['no-new-privileges', 'container.noNewPrivileges'],
] as const)
  test(`names the field that has taken the place of the metadata key ${key}`, async (t) => {
    const { call } = await serveApi(t);
    const wanted = `"metadata.${key}" has no effect on a container: give "${field}" instead`;
    const created = await call('POST', '/guests', newContainer({}, { metadata: { [key]: 'x' } }));
    t.like(created, { status: 400, body: { message: wanted } });
    const { body } = await call('POST', '/guests?wait=30', newContainer({ command: 'x' }));
    const path = `/guests/${(body as Guest).id}/metadata`;
    t.like(await call('PATCH', path, { [key]: 'x' }), { status: 400, body: { message: wanted } });
    t.is((await call('PATCH', path, { [key]: null })).status, 200);
    const machine = await call('POST', '/guests?wait=30', { metadata: { [key]: 'x' }, memory: 64 });
    t.is(machine.status, 200, 'a virtual machine may have it');
  });

test('a port of the host belongs to one guest, whose creation has not failed', async (t) => {
  const { call, context } = await serveApi(t);
  const ports = (hostPort: number, more = {}) => newContainer({ ports: [{ hostPort, port: 80, ...more }] });
  const { body } = await call('POST', '/guests?wait=30', ports(8080, { hostAddress: '192.0.2.1' }));
  const { id } = body as Guest;
  for (const spec of [
    ports(8080),
    ports(8080, { hostAddress: '192.0.2.1' }),
    ports(8080, { hostAddress: '::' }),
  ]) {
    for (const path of ['/guests', '/guests?dryRun=true']) {
      const { status, text } = await call('POST', path, spec);
      t.is(status, 409);
      t.true(text.includes(`guest ${id} has port 8080/tcp`), text);
    }
  }
  for (const spec of [
    ports(8081),
    ports(8080, { hostAddress: '192.0.2.2' }),
    ports(8080, { protocol: 'udp' }),
  ])
    t.is((await call('POST', '/guests?wait=30', spec)).status, 200);
  await context.guests.update(id, (guest) => ({ ...guest, state: 'error' }));
  t.is((await call('POST', '/guests?wait=30', ports(8080, { hostAddress: '192.0.2.1' }))).status, 200);
});

test('shows a secret environment to no client: no guest, list, action, dry run, job, event, metric, error or log', async (t) => {
  const secretEnv = { DB_PASSWORD: 'hunter2-hunter2', PIN: '4711' };
  const { log, lines } = keepLines();
  const { api, dbpath } = await serveGuarded(t, {
    log,
    methods: {
      'Test.containerStart': () => {
        throw new Refusal('conflict', 'cannot run with hunter2-hunter2');
      },
    },
  });
  const headers = async (scope: Scope) => ({
    Authorization: `Bearer ${await makeToken(dbpath, scope, scope)}`,
  });
  const admin = await headers('admin');
  const spec = newContainer({ env: { MODE: 'test' }, secretEnv });
  const made = await api.call('POST', '/guests?wait=30', spec, admin);
  t.is(made.status, 200, made.text);
  const { id } = made.body as Guest;
  t.deepEqual(api.context.guests.get(id).container?.secretEnv, secretEnv);
  const seen = [made, await api.call('POST', '/guests?dryRun=true', spec, admin)];
  seen.push(await api.call('POST', `/guests/${id}/start?wait=30`, undefined, admin));
  t.regex(seen.at(-1)?.text ?? '', /cannot run with \[container\.secretEnv\.DB_PASSWORD\]/);
  for (const scope of ['read', 'export', 'operate', 'admin'] as const) {
    const as = scope === 'admin' ? admin : await headers(scope);
    const one = await api.call('GET', `/guests/${id}`, undefined, as);
    t.like(one.body, {
      container: { env: { MODE: 'test' } },
      hidden: ['container.secretEnv.DB_PASSWORD', 'container.secretEnv.PIN'],
    });
    for (const path of ['/guests', '/guests?fields=container', `/guests/${id}/jobs`, '/jobs', '/metrics'])
      seen.push(await api.call('GET', path, undefined, as));
    seen.push(one);
    const events = await fetch(`${api.url}/events?after=0&limit=4`, { headers: as });
    t.notRegex(await events.text(), /hunter2|4711/, scope);
  }
  for (const { text } of seen) t.notRegex(text, /hunter2|4711/);
  t.notRegex(JSON.stringify(lines), /hunter2/);
});

test('a client that sees a container without its secrets cannot create it again by mistake', async (t) => {
  const { call } = await serveApi(t);
  const { body } = await call('POST', '/guests?wait=30', newContainer({ secretEnv: { KEY: 'x' } }));
  const { id: _, ...copy } = body as Guest;
  const again = await call('POST', '/guests', copy);
  t.is(again.status, 400, again.text);
  t.regex(again.text, /hidden/);
});

const mounting = (...mounts: unknown[]): unknown => newContainer({ mounts });

for (const [spec, message] of [
  [mounting({ type: 'nfs', target: '/a' }), /volume, bind, tmpfs/],
  [mounting({ type: 'volume', target: '/a' }), /is a mount of type volume: give its source/],
  [mounting({ type: 'volume', source: '/srv', target: '/a' }), /consist of letters, digits and _ \. -/],
  [mounting({ type: 'bind', source: 'srv', target: '/a' }), /be an absolute path/],
  [mounting({ type: 'bind', source: '/srv/../etc', target: '/a' }), /be an absolute path/],
  [mounting({ type: 'bind', source: '/srv', target: '/a', size: 1 }), /of type bind, which has no size/],
  [mounting({ type: 'tmpfs', source: 'x', target: '/a' }), /of type tmpfs, which has no source/],
  [mounting({ type: 'tmpfs', target: '/a', mode: '9' }), /octal digits/],
  [mounting({ type: 'tmpfs', target: '/' }), /be an absolute path/],
  [mounting({ type: 'tmpfs', target: '/a:b' }), /be an absolute path/],
  [mounting({ type: 'tmpfs', target: '/proc/sys' }), /files of the kernel/],
  [
    mounting({ type: 'tmpfs', target: '/a' }, { type: 'tmpfs', target: '/a' }),
    /has the target of another mount/,
  ],
] as const)
  test(`a create with ${JSON.stringify((spec as { container: object }).container).slice(0, 80)} is a 400`, async (t) => {
    const { call, scripted } = await serveApi(t);
    const { status, text } = await call('POST', '/guests', spec);
    t.is(status, 400, text);
    t.regex(text, message);
    t.is(scripted.requests('Test.containerCreate').length, 0);
  });

test('the record has the volumes that the sub-agent says are of the image, and a copy of it does not', async (t) => {
  const imageMounts = [{ target: '/data', volume: 'x-1' }];
  const { call, scripted } = await serveApi(t, {
    methods: {
      'Test.containerCreate': ({ guest }) => ({
        guest: { id: guest.id, container: { ...guest.container, imageMounts } },
      }),
    },
  });
  const { body } = await call(
    'POST',
    '/guests?wait=30',
    newContainer({ command: ['a'], imageVolumes: 'keep' }),
  );
  const { id: _, ...record } = body as Guest;
  t.deepEqual(record.container, { command: ['a'], imageVolumes: 'keep', imageMounts });
  const { status, text } = await call('POST', '/guests?wait=30', record);
  t.is(status, 200, text);
  t.is(scripted.requests('Test.containerCreate')[1]?.guest.container?.imageMounts, undefined);
});

test('a volume that the record of a guest names is not deleted, even while its container is gone', async (t) => {
  const { call } = await serveApi(t, {
    methods: { 'Test.listVolumes': () => ({ volumes: [{ name: 'data', guests: [] }] }) },
  });
  const mounts = [{ type: 'volume', source: 'data', target: '/a' }];
  const { body } = await call('POST', '/guests?wait=30', newContainer({ mounts }));
  const { status, text } = await call('DELETE', '/volumes/data');
  t.is(status, 409);
  t.true(text.includes((body as Guest).id), text);
});
