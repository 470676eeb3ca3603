import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import axios from 'axios';
import { EtcdClient } from '../../lib/etcd/client.js';
import { freePort } from './ports.js';
import { tempDir } from './temp.js';
import { until } from './wait.js';

/** What `needs` takes for tests of real etcd. */
export const ETCD = 'etcd';

/** A member of a cluster on loopback. */
export interface Member {
  endpoint: string;
  kill(): Promise<void>;
  /** Stops the process, so that its connections stay open and nothing answers. */
  hang(): void;
  wake(): void;
  isLeader(): Promise<boolean>;
  compact(revision: string): Promise<void>;
}

interface Ports {
  name: string;
  client: number;
  peer: number;
}

const urlOf = (port: number): string => `http://127.0.0.1:${port}`;

/** A busy machine must not make the members elect a leader anew. */
const TIMES = ['--heartbeat-interval', '200', '--election-timeout', '2000'];

const spawnMember = (dir: string, { name, client, peer }: Ports, cluster: string): ChildProcess =>
  spawn(
    'etcd',
    [
      ...['--name', name, '--data-dir', join(dir, name), '--log-level', 'error', ...TIMES],
      ...['--listen-client-urls', urlOf(client), '--advertise-client-urls', urlOf(client)],
      ...['--listen-peer-urls', urlOf(peer), '--initial-advertise-peer-urls', urlOf(peer)],
      ...['--initial-cluster', cluster],
    ],
    { stdio: 'ignore' },
  );

/** Calls etcd's JSON gateway, so that no test relies on the client that it tests. */
const gateway = async <T>(port: number, path: string, body: object): Promise<T> =>
  (await axios.post<T>(`${urlOf(port)}/v3/${path}`, body, { timeout: 5000, proxy: false })).data;

const memberOf = (process: ChildProcess, { client }: Ports): Member => {
  const exited = once(process, 'exit');
  return {
    endpoint: urlOf(client),
    kill: async () => {
      process.kill('SIGKILL');
      await exited;
    },
    hang: () => void process.kill('SIGSTOP'),
    wake: () => void process.kill('SIGCONT'),
    isLeader: async () => {
      const { header, leader } = await gateway<{ header: { member_id: string }; leader?: string }>(
        client,
        'maintenance/status',
        {},
      );
      return header.member_id === leader;
    },
    compact: async (revision) => void (await gateway(client, 'kv/compaction', { revision, physical: true })),
  };
};

/** Starts a cluster, which ends with the test. */
export const startEtcd = async (t: ExecutionContext, size = 1): Promise<Member[]> => {
  const dir = await tempDir(t);
  const ports: Ports[] = [];
  for (let n = 1; n <= size; n += 1)
    ports.push({ name: `m${n}`, client: await freePort(), peer: await freePort() });
  const cluster = ports.map(({ name, peer }) => `${name}=${urlOf(peer)}`).join(',');
  const members = ports.map((each) => memberOf(spawnMember(dir, each, cluster), each));
  t.teardown(() => Promise.all(members.map((member) => member.kill())));
  const answers = (member: Member): Promise<boolean> =>
    member.isLeader().then(
      () => true,
      () => false,
    );
  await until('etcd has a leader', async () => (await leaderOf(members)) !== undefined);
  for (const member of members) await until('each member answers', () => answers(member));
  return members;
};

/** Finds the leader among the members that answer. */
export const leaderOf = async (members: readonly Member[]): Promise<Member | undefined> => {
  for (const member of members) if (await member.isLeader().catch(() => false)) return member;
  return undefined;
};

/** Opens a client that ends with the test. Its first member is the first one given. */
export const clientOf = (t: ExecutionContext, ...members: readonly Member[]): EtcdClient => {
  const client = new EtcdClient({ endpoints: members.map(({ endpoint }) => endpoint) });
  t.teardown(() => client.close());
  return client;
};
