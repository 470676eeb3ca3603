import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import type { Pod } from '../../../../lib/cli/compose/pod.js';
import { readPod, readProject } from '../../../../lib/cli/compose/read.js';
import { tempDir } from '../../../helpers/temp.js';

const ENV = { TAG: '1.36', EMPTY: '' };

/** Writes a pod file and reads it. */
const read = async (t: ExecutionContext, content: unknown, project?: string): Promise<Pod> => {
  const dir = join(await tempDir(t), 'My Shop');
  await mkdir(dir);
  await writeFile(join(dir, 'app.env'), '# comment\nPASSWORD=x y\nMODE=file\n');
  const file = join(dir, 'compose.yaml');
  await writeFile(file, typeof content === 'string' ? content : stringify(content));
  const pod = await readPod(file, project, ENV);
  return JSON.parse(JSON.stringify(pod).replaceAll(dir, '/DIR')) as Pod;
};

/** A variable in braces. */
const variable = (text: string): string => `$\{${text}}`;

const WEB = { image: 'localhost/bb:1' };

const serviceOf = async (t: ExecutionContext, more: object, rest: object = {}) => {
  const { services } = await read(t, { services: { web: { ...WEB, ...more } }, ...rest });
  return services[0]?.spec;
};

test('translates what a service says to the body of a create', async (t) => {
  const spec = await serviceOf(
    t,
    {
      image: `localhost/bb:${variable('TAG')}`,
      container_name: 'shop',
      command: 'sleep 600',
      entrypoint: ['sh', '-c'],
      environment: { MODE: 'test', COUNT: 3, ON: true, TAG: null, UNKNOWN: null },
      env_file: ['app.env'],
      mem_limit: '512m',
      cpus: '0.5',
      restart: 'on-failure:3',
      user: '1000:1000',
      working_dir: '/srv',
      hostname: 'web-1',
      labels: ['team=shop'],
      init: true,
      read_only: true,
      stop_signal: 'SIGINT',
      stop_grace_period: '1m30s',
      cap_add: ['NET_RAW'],
      cap_drop: ['ALL'],
      pids_limit: 64,
      ulimits: { nofile: 1024, core: { soft: 0, hard: 1 } },
      healthcheck: {
        test: ['CMD', 'true'],
        interval: '10s',
        timeout: '500ms',
        retries: 2,
        start_period: '5s',
      },
      volumes: [
        'data:/data:ro',
        './www:/www',
        { type: 'tmpfs', target: '/c', tmpfs: { size: '64m', mode: '0700' } },
      ],
      tmpfs: ['/t:size=1g'],
      networks: { front: { aliases: ['www'] } },
      ports: [
        '8080:80',
        '127.0.0.1:53:53/udp',
        '[::1]:1:2',
        { target: 443, published: '8443', host_ip: '192.0.2.1' },
      ],
      extra_hosts: ['a.example:192.0.2.1', 'b.example=::1'],
      dns: '192.0.2.53',
      dns_search: ['shop.example'],
      'x-note': 'ignored',
    },
    { volumes: { data: null }, networks: { front: { external: true, name: 'pub' } }, version: '3' },
  );
  t.deepEqual(spec as object, {
    type: 'container',
    nics: [{ network: 'pub' }],
    image: 'localhost/bb:1.36',
    metadata: { name: 'shop' },
    memory: 512,
    cpu: 0.5,
    restart: { policy: 'on-failure', maxRetries: 3 },
    container: {
      command: 'sleep 600',
      entrypoint: ['sh', '-c'],
      user: '1000:1000',
      workingDir: '/srv',
      hostname: 'web-1',
      labels: { team: 'shop' },
      init: true,
      readOnly: true,
      stopSignal: 'SIGINT',
      stopTimeout: 90,
      capAdd: ['NET_RAW'],
      capDrop: ['ALL'],
      pidsLimit: 64,
      ulimits: { nofile: 1024, core: { soft: 0, hard: 1 } },
      health: { command: ['true'], interval: 10, timeout: 1, retries: 2, startPeriod: 5 },
      aliases: ['web', 'www'],
      ports: [
        { hostPort: 8080, port: 80 },
        { hostAddress: '127.0.0.1', hostPort: 53, port: 53, protocol: 'udp' },
        { hostAddress: '::1', hostPort: 1, port: 2 },
        { hostAddress: '192.0.2.1', hostPort: 8443, port: 443 },
      ],
      extraHosts: { 'a.example': '192.0.2.1', 'b.example': '::1' },
      dns: ['192.0.2.53'],
      dnsSearch: ['shop.example'],
      env: { MODE: 'test', COUNT: '3', ON: 'true', TAG: '1.36' },
      secretEnv: { PASSWORD: 'x y' },
      mounts: [
        { type: 'volume', source: 'myshop_data', target: '/data', readOnly: true },
        { type: 'bind', source: '/DIR/www', target: '/www' },
        { type: 'tmpfs', target: '/c', size: 64, mode: '0700' },
        { type: 'tmpfs', target: '/t', size: 1024 },
      ],
      imageVolumes: 'keep',
    },
  });
});

for (const [restart, expected] of [
  ['no', {}],
  ['always', { restart: { policy: 'always' }, autostart: { policy: 'always' } }],
  ['unless-stopped', { restart: { policy: 'always' }, autostart: { policy: 'last' } }],
] as const)
  test(`translates restart: ${restart}`, async (t) => {
    const spec = await serviceOf(t, { restart });
    t.deepEqual(
      {
        ...(spec?.restart && { restart: spec.restart }),
        ...(spec?.autostart && { autostart: spec.autostart }),
      },
      expected as object,
    );
  });

test('names volumes after the project, except for external ones', async (t) => {
  const { project, volumes } = await read(t, {
    name: 'shop',
    services: { web: WEB },
    volumes: {
      a: null,
      b: { name: 'own', labels: { x: 'y' } },
      c: { external: true },
      d: { external: true, name: 'e' },
    },
  });
  t.is(project, 'shop');
  t.deepEqual(volumes as object[], [
    { name: 'shop_a', external: false },
    { name: 'own', external: false, labels: { x: 'y' } },
    { name: 'c', external: true },
    { name: 'e', external: true },
  ]);
});

test('puts services behind those that they need', async (t) => {
  const { services } = await read(t, {
    services: {
      web: { ...WEB, depends_on: { api: { condition: 'service_healthy' } } },
      api: { ...WEB, depends_on: ['db'] },
      db: WEB,
    },
  });
  t.deepEqual(
    services.map(({ name }) => name),
    ['db', 'api', 'web'],
  );
  t.deepEqual(services[2]?.needs, [{ service: 'api', healthy: true }]);
});

test('reads anchors, merges, defaults of variables and doubled dollar signs', async (t) => {
  const { services } = await read(
    t,
    [
      `x-base: &base { image: "localhost/bb:${variable('NONE:-2')}", environment: { A: "$$HOME ${variable('EMPTY')}" } }`,
      'services:',
      `  web: { <<: *base, user: "${variable('TAG')}" }`,
    ].join('\n'),
  );
  t.like(services[0]?.spec, { image: 'localhost/bb:2', container: { env: { A: '$HOME ' }, user: '1.36' } });
});

test('names everything that is not supported at once', async (t) => {
  const error = await t.throwsAsync(
    read(t, {
      services: {
        web: {
          ...WEB,
          build: '.',
          deploy: {},
          image: `${variable('NOT_SET')}/${variable('a:?b')}`,
          volumes: [
            'data:/data',
            'x:/x:z',
            '/anonymous',
            { type: 'bind', source: 'a', target: '/a', bind: {} },
          ],
          restart: 'sometimes',
          depends_on: ['gone'],
          healthcheck: { interval: '5s' },
          networks: { front: { ipv4_address: '192.0.2.1' } },
          network_mode: 'host',
          mem_limit: 'much',
        },
        built: { build: '.' },
        text: 'x',
      },
      volumes: { v: { driver: 'nfs', driver_opts: {} } },
      networks: { front: {} },
      secrets: {},
    }),
  );
  for (const part of [
    /services\.web\.build: not supported/,
    /services\.web\.deploy: not supported/,
    /services\.web\.image: the variable NOT_SET is not set/,
    /services\.web\.image: a variable is/,
    /services\.web\.volumes: name the volume data under the key volumes/,
    /services\.web\.restart: choose from no, always/,
    /services\.web\.depends_on: the file has no service gone/,
    /services\.web\.healthcheck: give its test/,
    /services\.web\.networks: ipv4_address of front is not supported/,
    /services\.web\.network_mode: none and bridge are supported/,
    /services\.web\.mem_limit: give a size/,
    /services\.built: it has no image, and the agent builds none/,
    /services\.text: give keys/,
    /volumes\.v\.driver_opts: not supported/,
    /volumes\.v: no driver but local/,
    /networks\.front: the agent makes no networks/,
    /secrets: not supported/,
  ])
    t.regex(error?.message ?? '', part);
});

for (const [mount, message] of [
  ['x:/x:z', /"z" is not supported: ro and rw are/],
  ['/anonymous', /give the volume a name/],
  ['~/x:/x', /instead of ~/],
  [{ type: 'bind', source: '/a', target: '/a', bind: {} }, /bind is not supported/],
  [{ type: 'bind', source: 'a', target: '/a' }, /does not fit the type bind/],
  [{ type: 'npipe', source: 'a', target: '/a' }, /volume, bind or tmpfs/],
  [{ type: 'tmpfs', target: '/a', tmpfs: { mode: 700 } }, /in quotes/],
] as const)
  test(`refuses the mount ${JSON.stringify(mount)}`, async (t) => {
    await t.throwsAsync(serviceOf(t, { volumes: [mount] }), { message });
  });

for (const [port, message] of [
  ['80', /write HOST_PORT:PORT/],
  ['8000-8010:8000-8010', /write HOST_PORT:PORT/],
  ['80:80/icmp', /not a protocol/],
  [{ target: 80 }, /give published/],
  [{ target: 80, published: 80, mode: 'host' }, /mode is not supported/],
] as const)
  test(`refuses the port ${JSON.stringify(port)}`, async (t) => {
    await t.throwsAsync(serviceOf(t, { ports: [port] }), { message });
  });

test('refuses what two services cannot both have', async (t) => {
  const web = { ...WEB, ports: ['8080:80'], container_name: 'shop' };
  const error = await t.throwsAsync(
    read(t, { services: { web, api: { ...web, ports: ['127.0.0.1:8080:81'] } } }),
  );
  t.regex(error?.message ?? '', /services\.api\.ports: web has port 8080\/tcp of 127\.0\.0\.1, too/);
  t.regex(error?.message ?? '', /services\.api\.container_name: web has the same/);
});

test('refuses services that need each other, and files that are not YAML or have no services', async (t) => {
  const needing = { services: { a: { ...WEB, depends_on: ['b'] }, b: { ...WEB, depends_on: ['a'] } } };
  await t.throwsAsync(read(t, needing), { message: /need each other: a → b → a/ });
  await t.throwsAsync(read(t, 'services: ['), { message: /compose\.yaml: / });
  await t.throwsAsync(read(t, 'text'), { message: /has keys such as services/ });
  await t.throwsAsync(read(t, {}), { message: /services: there are none/ });
  await t.throwsAsync(readPod('/nonexistent/compose.yaml', undefined, {}), {
    message: /cannot read the pod file/,
  });
});

test('names the project as the caller says, as the file says, or after the directory', async (t) => {
  const dir = join(await tempDir(t), 'The Shop.1');
  await mkdir(dir);
  const file = join(dir, 'compose.yaml');
  await writeFile(file, 'services: { web: { build: . } }');
  t.is(await readProject(file, undefined), 'theshop1');
  t.is(await readProject(file, 'mine'), 'mine');
  await writeFile(file, 'name: shop');
  t.is(await readProject(file, undefined), 'shop');
  await t.throwsAsync(readProject(file, 'No!'), { message: /"No!" is not the name of a project/ });
});
