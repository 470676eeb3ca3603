import { cp, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { getReadiness } from '../../../handlers/health/readyz.js';
import { forgetHost } from '../../../handlers/hosts/delete.js';
import { getFleetHost } from '../../../handlers/hosts/get.js';
import { listHosts } from '../../../handlers/hosts/list.js';
import type { AgentError } from '../../../lib/errors.js';
import { put } from '../../../lib/etcd/kv.js';
import { stateText } from '../../../lib/files/state-file.js';
import type { FleetHost } from '../../../lib/model/fleet-host.js';
import { addGuest, event, startTestAgent, type TestAgent } from '../../helpers/agent.js';
import { clientOf, ETCD, type Member, startEtcd } from '../../helpers/etcd.js';
import { needs } from '../../helpers/needs.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const withEtcd = needs(ETCD);

const startHost = (
  t: ExecutionContext,
  members: readonly Member[],
  host: string,
  options: { address?: string; dbpath?: string } = {},
): Promise<TestAgent> =>
  startTestAgent(t, {
    ...(options.dbpath === undefined ? {} : { dbpath: options.dbpath }),
    fleet: {
      endpoints: members.map(({ endpoint }) => endpoint),
      host,
      ...(options.address === undefined ? {} : { address: options.address }),
      labels: { rack: host },
    },
  });

const hostsOf = async ({ context }: TestAgent): Promise<FleetHost[]> =>
  (await listHosts(event(), context)).body;

/** Waits until an agent sees so many hosts that are there. */
const untilPresent = (agent: TestAgent, count: number): Promise<FleetHost[]> =>
  until(`${count} hosts are there`, async () => {
    const hosts = await hostsOf(agent).catch(() => []);
    return hosts.filter(({ state }) => state === 'present').length === count ? hosts : undefined;
  });

withEtcd('each agent lists the hosts of its fleet with what they have', async (t) => {
  const members = await startEtcd(t);
  const a = await startHost(t, members, 'a');
  await addGuest(a.context, { memory: 256, cpu: 2 });
  const b = await startHost(t, members, 'b');
  const hosts = await untilPresent(b, 2);
  t.deepEqual(
    hosts.map(({ name, labels }) => [name, labels]),
    [
      ['a', { rack: 'a' }],
      ['b', { rack: 'b' }],
    ],
  );
  t.is(hosts[0]?.capacity.cpus, cpus().length);
  t.deepEqual(
    (await hostsOf(a)).map(({ id }) => id),
    hosts.map(({ id }) => id),
  );
});

withEtcd('a host is absent once its agent has left, and can be forgotten then', async (t) => {
  const members = await startEtcd(t);
  const a = await startHost(t, members, 'a');
  const b = await startHost(t, members, 'b', { address: 'http://127.0.0.1:1' });
  const [, host] = await untilPresent(a, 2);
  const hostID = String(host?.id);
  const params = { hostID };
  await t.throwsAsync(forgetHost(event({ params }), a.context), {
    message: /is in the fleet: stop its agent/,
  });
  const { body } = await getFleetHost(event({ params }), a.context);
  t.is(body.evidence.lease?.ttl, 15);
  t.is(body.evidence.ping?.ok, false);
  await b.stop();
  await untilPresent(a, 1);
  const gone = (await hostsOf(a)).find(({ id }) => id === hostID);
  t.is(gone?.state, 'absent');
  t.truthy(gone?.since);
  t.is((await forgetHost(event({ params }), a.context)).body.name, 'b');
  await until('it is forgotten', async () => (await hostsOf(a)).length === 1);
  await t.throwsAsync(getFleetHost(event({ params }), a.context), { message: /not found in the fleet/ });
});

withEtcd('an agent joins again at once after a kill: its last lease is its own', async (t) => {
  const members = await startEtcd(t);
  const client = clientOf(t, ...members);
  const dbpath = await tempDir(t);
  const id = '6f0e2f0c-9d5c-4f5e-8a52-0c6d5b0f7c11';
  const lease = await client.grant(3600);
  t.teardown(() => lease.revoke());
  await client.values.change(
    [],
    [put(`/mistify/default/alive/${id}`, '{"since":"2026-01-01T00:00:00Z"}', lease.id)],
  );
  await writeFile(join(dbpath, 'fleet.json'), stateText({ id, lease: lease.id }));
  const agent = await startHost(t, members, 'a', { dbpath });
  const [host] = await until('it has joined', async () => {
    const hosts = await hostsOf(agent).catch(() => []);
    return hosts[0]?.state === 'present' ? hosts : undefined;
  });
  t.is(host?.id, id);
});

withEtcd('a copy of a state directory does not join as the same host', async (t) => {
  const members = await startEtcd(t);
  const a = await startHost(t, members, 'a');
  await untilPresent(a, 1);
  const dbpath = await tempDir(t);
  // As a copy from before the last start: it knows an earlier lease.
  await cp(join(a.dbpath, 'fleet.json'), join(dbpath, 'fleet.json'));
  const { id } = JSON.parse(await readFile(join(dbpath, 'fleet.json'), 'utf8')) as { id: string };
  await writeFile(join(dbpath, 'fleet.json'), stateText({ id, lease: '1' }));
  const copy = await startHost(t, members, 'copy', { dbpath });
  await until('it says why it does not join', () =>
    copy.context
      .problems()
      .get('fleet')
      ?.some((problem) => problem.includes(`another agent is the host ${id}`)),
  );
  t.deepEqual(
    (await hostsOf(a)).map(({ name }) => name),
    ['a'],
  );
});

withEtcd(
  'while etcd does not answer, hosts are a 503 that says since when, and the agent is ready',
  async (t) => {
    const members = await startEtcd(t);
    const agent = await startHost(t, members, 'a');
    await untilPresent(agent, 1);
    for (const member of members) member.hang();
    const refusal = await until('the hosts are out of reach', () =>
      hostsOf(agent).then(
        () => undefined,
        (error: AgentError) => error,
      ),
    );
    t.is(refusal.kind, 'unavailable');
    t.regex(refusal.message, /^fleet_unreachable: the etcd of the fleet has been out of reach since 20/);
    const { problems } = (await getReadiness(event(), agent.context)).body;
    t.regex(String(problems?.fleet?.[0]), /out of reach/);
    for (const member of members) member.wake();
    await untilPresent(agent, 1);
  },
);
