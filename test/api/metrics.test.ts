import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import parse from 'parse-prometheus-text-format';
import type { GuestMetrics } from '../../lib/model/metrics.js';
import { addGuest } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';
import { BACKED_UP, METRICS, SPACE } from '../helpers/scripted.js';
import { gate, until } from '../helpers/wait.js';

// Guarantees: G34.

interface Sample {
  labels?: Record<string, string>;
  value?: string;
}

/** Parses the samples of each metric as Prometheus does; a histogram's sample is its count. */
const scrape = async (t: ExecutionContext, { call }: Api): Promise<Map<string, Sample[]>> => {
  const { status, text, headers } = await call('GET', '/metrics');
  t.is(status, 200);
  t.regex(headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  // The parser mixes up the series of a histogram, so it gets their counts as counters.
  const counts = text
    .replace(/^# TYPE (\w+) histogram$/gm, '# TYPE $1_count counter')
    .replace(/^\w+_(bucket|sum)[{ ].*$/gm, '');
  const families = parse(counts) as { name: string; metrics: Sample[] }[];
  return new Map(families.map(({ name, metrics }) => [name, metrics]));
};

const valueIn = (samples: Sample[] | undefined, labels: Record<string, string> = {}): number | undefined => {
  const found = samples?.find((sample) =>
    Object.entries(labels).every(([name, value]) => sample.labels?.[name] === value),
  );
  return found && Number(found.value);
};

const NIC = {
  name: 'net0',
  rx_bytes: 10,
  rx_packets: 1,
  rx_errors: 0,
  rx_drops: 0,
  tx_bytes: 20,
  tx_packets: 2,
  tx_errors: 0,
  tx_drops: 0,
};

test('counts jobs by action and status, and times them', async (t) => {
  const api = await serveApi(t);
  await api.call('POST', '/guests?wait=30', { memory: 64 });
  const metrics = await scrape(t, api);
  t.is(valueIn(metrics.get('mistify_jobs_total'), { action: 'create', status: 'Complete' }), 1);
  t.is(valueIn(metrics.get('mistify_job_duration_seconds_count')), 1);
  t.is(valueIn(metrics.get('mistify_jobs_queued')), 0);
  t.is(valueIn(metrics.get('mistify_guests'), { state: 'running' }), 1);
});

test('tells the moment of the newest good backup of each guest, and counts their backups', async (t) => {
  const made = (created: string, extra: object = {}) => ({
    ...{ id: randomUUID(), guest: BACKED_UP, host: 'h', created, consistency: 'crash' },
    ...{ size: 8, read: 8, stored: 8, disks: [], ...extra },
  });
  const api = await serveApi(t, {
    methods: {
      'Test.listBackups': () => ({
        backups: [
          made('2026-01-30T12:00:00Z'),
          made('2026-01-31T12:00:00Z'),
          made('2026-02-01T12:00:00Z', { verified: { at: '2026-02-02T12:00:00Z', ok: false } }),
        ],
      }),
    },
  });
  const disk = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };
  await addGuest(api.context, { id: BACKED_UP, disks: [disk], metadata: { name: 'web' } });
  await api.call('POST', `/guests/${BACKED_UP}/backups?wait=30`);
  const labels = { guest: BACKED_UP, name: 'web' };
  await until('the list of backups has arrived', async () =>
    valueIn((await scrape(t, api)).get('mistify_guest_last_backup_timestamp_seconds'), labels),
  );
  const metrics = await scrape(t, api);
  t.is(
    valueIn(metrics.get('mistify_guest_last_backup_timestamp_seconds'), labels),
    Date.parse('2026-01-31T12:00:00Z') / 1000,
  );
  const total = metrics.get('mistify_guest_backups_total');
  t.is(valueIn(total, { ...labels, outcome: 'success' }), 1);
  t.is(valueIn(total, { ...labels, outcome: 'error' }), 0);
});

test('times requests by route, not by guest', async (t) => {
  const api = await serveApi(t);
  for (let n = 0; n < 3; n += 1) {
    const { id } = await addGuest(api.context);
    await api.call('GET', `/guests/${id}`);
  }
  const metrics = await scrape(t, api);
  const labels = { method: 'GET', route: '/guests/{guestID}', status: '200' };
  const counted = metrics
    .get('mistify_http_request_duration_seconds_count')
    ?.filter((sample) => sample.labels?.route === labels.route);
  t.is(counted?.length, 1);
  t.is(valueIn(counted, labels), 3);
});

test("reads all guests' counters with one call to each sub-agent", async (t) => {
  const api = await serveApi(t, {
    methods: {
      'Test.allMetrics': () => ({
        guests: api.context.guests.list().map(({ id }) => ({
          guest: id,
          cpu: [
            { cpu_time: 1.5, vcpu_time: 1 },
            { cpu_time: 2.5, vcpu_time: 2 },
          ],
          nic: { net0: NIC },
          memory: 4096,
        })),
      }),
      'Test.containerAllMetrics': () => ({ guests: [] }),
    },
  });
  const guests = await Promise.all(Array.from({ length: 20 }, () => addGuest(api.context)));
  const metrics = await scrape(t, api);
  t.deepEqual(api.scripted.calls.map(({ method }) => method).sort(), [
    'Test.allMetrics',
    'Test.containerAllMetrics',
    'Test.listBackups',
    'Test.storageSpace',
  ]);
  const guest = guests[7]?.id ?? '';
  t.is(valueIn(metrics.get('mistify_guest_cpu_seconds_total'), { guest, vcpu: '1' }), 2.5);
  t.is(valueIn(metrics.get('mistify_guest_memory_resident_bytes'), { guest }), 4096);
  t.is(valueIn(metrics.get('mistify_guest_nic_transmit_bytes_total'), { guest, device: 'net0' }), 20);
  t.is(metrics.get('mistify_guest_cpu_seconds_total')?.length, 40);
});

test('labels the series of a guest with its name, unless that is sealed', async (t) => {
  const api = await serveApi(t, {
    methods: {
      'Test.allMetrics': () => ({
        guests: api.context.guests.list().map(({ id }) => ({ guest: id, ...METRICS, memory: 4096 })),
      }),
      'Test.containerAllMetrics': () => ({ guests: [] }),
    },
  });
  const long = 'x'.repeat(1000);
  const named = await addGuest(api.context, { metadata: { name: 'web "1"\n' } });
  const verbose = await addGuest(api.context, { metadata: { name: long } });
  const nameless = [
    await addGuest(api.context),
    await addGuest(api.context, { metadata: { name: 'codename', 'sealed-keys': 'name' } }),
  ];
  const metrics = await scrape(t, api);
  for (const [name, samples] of metrics) {
    if (!/^mistify_guest_(cpu|memory|disk|nic|info)/.test(name)) continue;
    const labelOf = ({ id }: { id: string }) =>
      samples.find(({ labels }) => labels?.guest === id)?.labels?.name;
    t.is(labelOf(named), 'web "1"\n', name);
    t.is(labelOf(verbose), long.slice(0, 255), name);
    for (const guest of nameless) t.is(labelOf(guest), undefined, name);
  }
  t.is(metrics.get('mistify_guest_info')?.length, 4);
});

test('has one info series for each guest, with its tags and its address, and one for each address', async (t) => {
  let addresses = ['2001:db8::7', '192.0.2.7'];
  const api = await serveApi(t, {
    guests: { list_addresses: true },
    methods: {
      'Test.guestAddresses': ({ guest: { id } }) => ({
        guest: { id },
        result: addresses.map((address) => ({ address, nic: 'net0', source: 'guest agent' })),
      }),
    },
  });
  const { id } = await addGuest(api.context, { metadata: { name: 'web' }, tags: ['production', 'web'] });
  await addGuest(api.context, { type: 'container', state: 'stopped' });
  const labelsOf = async (name: string) =>
    (await scrape(t, api)).get(name)?.map(({ labels }) => labels) ?? [];
  await api.call('GET', `/guests/${id}/addresses`);
  const web = { guest: id, name: 'web' };
  t.like(await labelsOf('mistify_guest_info'), [
    { ...web, type: 'kvm', tags: ',production,web,', address: '192.0.2.7' },
    { type: 'container', tags: undefined, address: undefined },
  ]);
  t.deepEqual(await labelsOf('mistify_guest_address_info'), [
    { ...web, address: '192.0.2.7' },
    { ...web, address: '2001:db8::7' },
  ]);
  addresses = ['192.0.2.8'];
  await api.call('GET', `/guests/${id}/addresses`);
  t.deepEqual(await labelsOf('mistify_guest_address_info'), [{ ...web, address: '192.0.2.8' }]);
  await api.context.guests.remove(id);
  t.deepEqual(await labelsOf('mistify_guest_address_info'), []);
});

test('leaves out only the counters of a sub-agent that fails or returns nonsense', async (t) => {
  const api = await serveApi(t, {
    methods: {
      'Test.allMetrics': () => ({ guests: [{ guest: 7 }] }),
      'Test.containerAllMetrics': () => {
        throw new Error('no');
      },
    },
  });
  const metrics = await scrape(t, api);
  for (const action of ['allMetrics', 'containerAllMetrics'])
    t.is(valueIn(metrics.get('mistify_guest_metrics_up'), { action }), 0);
  t.is(valueIn(metrics.get('mistify_service_up'), { service: 'test' }), 1);
});

test('leaves out only the counters of a sub-agent with a malformed count', async (t) => {
  const odd = [
    { cpu: [{ cpu_time: -1 }] },
    { cpu: [{ cpu_time: '5' }] },
    { disk: { vda: { disk: 'vda', read_ops: -5 } } },
    { nic: { net0: { name: 'net0', rx_bytes: 'many' } } },
    { memory: '12' },
  ];
  for (const counters of odd) {
    const api = await serveApi(t, {
      methods: {
        'Test.allMetrics': () => ({ guests: [{ guest: 'g', ...counters }] }),
        'Test.containerAllMetrics': () => ({ guests: [] }),
      },
    });
    const metrics = await scrape(t, api);
    const up = metrics.get('mistify_guest_metrics_up');
    t.is(valueIn(up, { action: 'allMetrics' }), 0, JSON.stringify(counters));
    t.is(valueIn(up, { action: 'containerAllMetrics' }), 1);
  }
});

test('leaves out guests that the agent does not know', async (t) => {
  const api = await serveApi(t, {
    methods: { 'Test.allMetrics': () => ({ guests: [{ guest: 'stranger', memory: 1 }] }) },
  });
  const metrics = await scrape(t, api);
  t.deepEqual(metrics.get('mistify_guest_memory_resident_bytes') ?? [], []);
});

test('returns the counters of all guests or of selected ones with their time', async (t) => {
  const api = await serveApi(t, {
    methods: {
      'Test.allMetrics': () => ({
        guests: api.context.guests.list().map(({ id }) => ({ guest: id, ...METRICS, memory: 4096 })),
      }),
      'Test.containerAllMetrics': () => ({ guests: [] }),
    },
  });
  const guests = await Promise.all(Array.from({ length: 3 }, () => addGuest(api.context)));
  const { body } = await api.call('GET', '/metrics/guests');
  t.is((body as GuestMetrics[]).length, 3);
  const [wanted] = guests;
  const some = await api.call('GET', `/metrics/guests?guest=${wanted?.id}`);
  t.is((some.body as GuestMetrics[]).length, 1);
  t.like((some.body as GuestMetrics[])[0], { guest: wanted?.id, memory: 4096, ...METRICS });
  t.true(Date.parse((some.body as GuestMetrics[])[0]?.time ?? '') > 0);
});

test('shares one call of each kind between scrapes and metrics requests at the same time', async (t) => {
  const api = await serveApi(t, { methods: { 'Test.allMetrics': () => ({ guests: [] }) } });
  // Not over HTTP, where a busy machine may take the requests in more than a second apart.
  const { metrics } = api.context;
  await Promise.all([metrics.text(), metrics.guests(), metrics.guests(), metrics.text()]);
  t.is(api.scripted.requests('Test.allMetrics').length, 1);
  t.is(api.scripted.requests('Test.storageSpace').length, 1);
});

test('is ready while its sub-agents respond, and names those that do not', async (t) => {
  const api = await serveApi(t, { services: { storage: { port: 1 } } });
  t.like(await api.call('GET', '/healthz'), { status: 200, body: { status: 'ok' } });
  const { status, body } = await api.call('GET', '/readyz');
  t.is(status, 503);
  t.is((body as { message: string }).message, 'not ready: no response from storage');
});

test('is not ready while it is stopping', async (t) => {
  const api = await serveApi(t);
  t.is((await api.call('GET', '/readyz')).status, 200);
  await api.context.runtime.queue.drain(1000);
  t.is((await api.call('GET', '/readyz')).status, 503);
});

test('does not delay a scrape for a sub-agent that hangs', async (t) => {
  const api = await serveApi(t, {
    service: { timeout: 86_400 },
    methods: { 'Test.allMetrics': () => new Promise(() => {}) },
  });
  const metrics = await scrape(t, api);
  t.is(valueIn(metrics.get('mistify_guest_metrics_up'), { action: 'allMetrics' }), 0);
});

test('reports the running and waiting calls of a service', async (t) => {
  const { opened, open } = gate();
  const api = await serveApi(t, {
    service: { max_pending: 1 },
    methods: { 'Test.start': async ({ guest }) => opened.then(() => ({ guest })) },
    actions: { allMetrics: undefined, containerAllMetrics: undefined, storageSpace: undefined },
  });
  t.teardown(open);
  for (let n = 0; n < 3; n += 1) {
    const { id } = await addGuest(api.context, { state: 'shutoff' });
    await api.call('POST', `/guests/${id}/start`);
  }
  const labels = { service: 'test' };
  await until('two wait', async () => {
    const metrics = await scrape(t, api);
    const waiting = valueIn(metrics.get('mistify_service_calls_waiting'), labels);
    return waiting === 2 && valueIn(metrics.get('mistify_service_calls_running'), labels) === 1;
  });
  open();
  t.pass();
});

const storageGauges = (metrics: Map<string, Sample[]>): (number | undefined)[] =>
  ['mistify_storage_size_bytes', 'mistify_storage_free_bytes'].map((name) => valueIn(metrics.get(name)));

test('reports the size and the free space of the storage, without asking for leftovers', async (t) => {
  const api = await serveApi(t);
  t.deepEqual(storageGauges(await scrape(t, api)), [SPACE.size * 2 ** 20, SPACE.free * 2 ** 20]);
  t.like(api.scripted.requests('Test.storageSpace')[0], { leftovers: false });
});

test('reports no space of the storage without the action in the config', async (t) => {
  const api = await serveApi(t, { actions: { storageSpace: undefined } });
  t.deepEqual(storageGauges(await scrape(t, api)), [undefined, undefined]);
});

for (const [sort, method] of [
  ['fails', () => Promise.reject(new Error('no pool'))],
  ['hangs', () => new Promise(() => {})],
] as const)
  test(`no longer reports the space of the storage once the sub-agent ${sort}`, async (t) => {
    let responds = true;
    const api = await serveApi(t, {
      service: { timeout: 86_400 },
      methods: { 'Test.storageSpace': () => (responds ? SPACE : method()) },
    });
    t.deepEqual(storageGauges(await scrape(t, api)), [SPACE.size * 2 ** 20, SPACE.free * 2 ** 20]);
    responds = false;
    await until('the space is no longer reported', async () =>
      storageGauges(await scrape(t, api)).every((value) => value === undefined),
    );
  });
