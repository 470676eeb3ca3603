import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import Joi from 'joi';
import { ACTION_SPECS } from '../../lib/model/actions.js';
import { ABILITIES } from '../../lib/model/guest-agent.js';
import type { VolumeBackup } from '../../lib/model/volume-backup.js';
import type { CloseRequest } from '../../lib/rpc/protocol/backup-disk-messages.js';
import type { DiskPart } from '../../lib/rpc/protocol/disk-download.js';
import type { GuestRequest } from '../../lib/rpc/protocol/guest-messages.js';
import type { ImageRequest } from '../../lib/rpc/protocol/image-messages.js';
import type { InGuestRequest } from '../../lib/rpc/protocol/in-guest-messages.js';
import type { ServiceAddress } from '../../lib/rpc/protocol/service-address.js';
import type { SnapshotRequest } from '../../lib/rpc/protocol/snapshot-messages.js';
import type { VolumeRequest } from '../../lib/rpc/protocol/volume-messages.js';
import type { CallContext } from '../../lib/rpc/server/call-context.js';
import type { ConsoleRequest, OpenConsole } from '../../lib/rpc/server/console-route.js';
import type { GuestStates } from '../../lib/rpc/server/guest-states.js';
import { SubAgent } from '../../lib/rpc/server/sub-agent.js';
import { silentLog } from './sub-agents.js';
import { tempDir } from './temp.js';

/** Any request of the agent; the method determines which fields are present. */
export type AnyRequest = GuestRequest &
  ImageRequest &
  SnapshotRequest &
  VolumeRequest &
  InGuestRequest &
  Partial<Pick<CloseRequest, 'backup' | 'outcome'>>;
export type Method = (request: AnyRequest, call: CallContext) => unknown;
type MethodName = `${string}.${string}`;

export interface Script {
  /** Methods that replace the default ones. The test config names `Test.<action>`. */
  methods?: Record<MethodName, Method>;
  /** Serves `/download`. */
  download?: (request: AnyRequest, call: CallContext) => Readable | Promise<Readable>;
  /** Serves `/upload`; by default it imports a guest without disks. */
  upload?: (request: AnyRequest, bytes: Readable) => Promise<object>;
  /** The Content-Length of the download, in bytes. */
  downloadLength?: number | undefined;
  /** What the download says that its bytes are. */
  downloadPart?: DiskPart | undefined;
  /** Opens the consoles; by default silent ones. */
  console?: OpenConsole;
  guestStates?: GuestStates;
  /** By default a temporary socket. */
  address?: ServiceAddress;
}

/** A sub-agent that follows a script and records its calls. */
export interface ScriptedSubAgent {
  address: ServiceAddress;
  subAgent: SubAgent;
  calls: { method: string; request: AnyRequest }[];
  /** The job and stage that each call names. */
  stages: CallContext['job'][];
  /** The console requests, with their paths. */
  consoles: (ConsoleRequest & { path: string })[];
  /** Returns the requests to a method. */
  requests: (method: string) => AnyRequest[];
}

const STATES: Record<string, string> = {
  create: 'running',
  define: 'shutoff',
  start: 'running',
  resume: 'running',
  reboot: 'running',
  restart: 'running',
  suspend: 'paused',
  save: 'shutoff',
  poweroff: 'shutoff',
  shutdown: 'shutoff',
};

const EXEC_RESULT = {
  ...{ exited: true, pid: 812, exitCode: 0, truncated: false },
  ...{ stdout: 'hello\n', stdoutEncoding: 'text', stderr: '', stderrEncoding: 'text' },
};

const DISK_METRICS = {
  disk: 'vda',
  read_ops: 1,
  read_bytes: 512,
  read_time: 0.5,
  write_ops: 2,
  write_bytes: 1024,
  write_time: 0.25,
  flush_ops: 3,
  flush_time: 0.125,
};

const NIC_METRICS = {
  name: 'net0',
  rx_bytes: 1,
  rx_packets: 2,
  rx_errors: 3,
  rx_drops: 4,
  tx_bytes: 5,
  tx_packets: 6,
  tx_errors: 7,
  tx_drops: 8,
};

export const METRICS = {
  cpu: [{ cpu_time: 1.5, vcpu_time: 2.5 }],
  disk: { vda: DISK_METRICS },
  nic: { net0: NIC_METRICS },
};

export const SPACE = { size: 1000, free: 400, used: 600, leftovers: [] };

/** The results of the actions inside guests. */
export const IN_GUEST: Record<string, object> = {
  exec: EXEC_RESULT,
  containerExec: EXEC_RESULT,
  agentInfo: {
    responds: true,
    version: '7.2.22',
    abilities: Object.fromEntries(ABILITIES.map((ability) => [ability, true])),
    hostname: 'web',
    os: { id: 'debian', name: 'Debian GNU/Linux', version: '12 (bookworm)', kernel: '6.1.0-18-amd64' },
    addresses: [{ nic: 0, interface: 'eth0', mac: '52:54:00:12:34:56', address: '192.0.2.7', prefix: 24 }],
    fileSystems: [{ mountpoint: '/', type: 'ext4', size: 1000, used: 250, disks: ['vda'] }],
    users: [{ name: 'root', since: '2026-01-02T03:04:05.000Z' }],
    timezone: { name: 'UTC', offset: 0 },
  },
  guestAddresses: [{ address: '192.0.2.7', nic: 'net0', mac: '52:54:00:12:34:56', source: 'dhcp lease' }],
  containerGuestAddresses: [{ address: '10.88.0.2', source: 'engine' }],
  writeFile: { size: 5 },
  setPassword: {},
  addSshKeys: {},
  trim: { fileSystems: [{ mountpoint: '/', trimmed: 12 }] },
  setClock: { lag: 0.5 },
};

/** The guest of the backups that the default methods make up. */
export const BACKED_UP = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';

const backupOf = (id: string) => ({
  ...{ id, guest: BACKED_UP, host: 'scripted', created: '2026-01-31T12:00:00.000Z', consistency: 'crash' },
  ...{ size: 8_388_608, read: 4096, stored: 2048, disks: [{ disk: '0', size: 8_388_608 }] },
});

const backupMethod: Method = ({ guest, backup = randomUUID() }) => ({
  ...(guest ? { guest } : {}),
  backup: backupOf(backup),
  backups: [backupOf(backup)],
  record: { id: BACKED_UP, memory: 64, disks: [{ bus: 'virtio', size: 8 }], metadata: { name: 'old' } },
  files: [],
});

/** The id of the backup of a volume that the default methods make up. */
export const VOLUME_BACKUP = 'b1f3c8d2-9c58-4c29-8e0e-52c17d3a2b10';

export const volumeBackup = (more: Partial<VolumeBackup> = {}): VolumeBackup => ({
  ...{ id: VOLUME_BACKUP, volume: 'shop-data', host: 'scripted', created: '2026-01-31T12:00:00.000Z' },
  ...{ consistency: 'still', size: 10_240, stored: 2048 },
  ...more,
});

const defaultMethod = (action: string): Method => {
  if (/VolumeBackups?$/.test(action)) return () => ({ backup: volumeBackup(), backups: [volumeBackup()] });
  if (/Backups?$/.test(action)) return backupMethod;
  if (action.endsWith('Upload'))
    return ({ id }) => ({ upload: { id, size: 10, received: 4, expires: '2026-02-01T12:00:00.000Z' } });
  if (action.endsWith('Metrics')) return ({ guest, type }) => ({ guest, type, ...METRICS });
  if (/Images?$/.test(action)) {
    const type = action.startsWith('container') ? 'container' : 'kvm';
    return ({ id }) => ({ images: [{ id: id || `${type}-image`, type, size: 64 }] });
  }
  if (/Volumes?$/.test(action))
    return ({ name }) => ({ volumes: [{ name: name || 'shop-data', guests: [] }] });
  if (/Snapshots?$/.test(action))
    return ({ id, dest }) => ({ snapshots: [{ id: dest ? `${id}@${dest}` : id, size: 8 }] });
  if (action === 'storageSpace') return () => SPACE;
  if (action === 'networks') return () => ({ networks: [], problems: [] });
  if (action === 'diskUse') return () => ({ disks: [] });
  if (action in IN_GUEST) return ({ guest }) => ({ guest: { id: guest.id }, result: IN_GUEST[action] });
  const state = STATES[action.replace(/^container/, '').toLowerCase()];
  return ({ guest }) => ({ guest: state ? { ...guest, state } : guest });
};

const DEFAULT_METHODS = Object.fromEntries(
  [...ACTION_SPECS.keys()].map((action) => [`Test.${action}`, defaultMethod(action)]),
);

/** Each is a separate service. */
export const CONSOLE_ACTIONS = [...ACTION_SPECS].flatMap(([name, { kind }]) =>
  kind === 'console' ? [name] : [],
);

export const consolePath = (action: string): string => `/console/${action}`;

const anything = Joi.object<AnyRequest>().unknown();

/** Serves a scripted sub-agent until the test ends. */
export const startScripted = async (t: ExecutionContext, script: Script = {}): Promise<ScriptedSubAgent> => {
  const calls: ScriptedSubAgent['calls'] = [];
  const stages: ScriptedSubAgent['stages'] = [];
  const { guestStates } = script;
  const subAgent = new SubAgent({
    name: 'scripted',
    log: silentLog,
    ...(guestStates ? { guestStates } : {}),
  });
  const methods = Object.entries({ ...DEFAULT_METHODS, ...script.methods });
  for (const [name, method] of methods as [MethodName, Method][]) {
    subAgent.method(name, anything, (request, call) => {
      calls.push({ method: name, request });
      stages.push(call.job);
      return method(request, call);
    });
  }
  subAgent.stream('/download', anything, async (request, call) => {
    calls.push({ method: '/download', request });
    stages.push(call.job);
    const bytes = await script.download?.(request, call);
    return {
      bytes: bytes ?? Readable.from(['the bytes of the disk'], { objectMode: false }),
      length: script.downloadLength,
      part: script.downloadPart,
    };
  });
  subAgent.upload('/upload', anything, async (request, bytes) => {
    calls.push({ method: '/upload', request });
    if (script.upload) return script.upload(request, bytes);
    let received = 0;
    for await (const chunk of bytes) received += (chunk as Buffer).length;
    const upload = { id: 'debian-12', size: received, received, expires: '2026-02-01T12:00:00.000Z' };
    return {
      guest: { id: request.guest },
      format: 'mistify',
      token: 'token',
      notes: [],
      upload,
      volumes: [],
      backup: volumeBackup(),
    };
  });
  const consoles: ScriptedSubAgent['consoles'] = [];
  for (const action of CONSOLE_ACTIONS) {
    const path = consolePath(action);
    subAgent.console(path, (request) => {
      consoles.push({ ...request, path });
      return script.console?.(request) ?? { bytes: new PassThrough() };
    });
  }
  const address = script.address ?? { socket: join(await tempDir(t), 'scripted.sock') };
  await subAgent.listen(address);
  t.teardown(() => subAgent.close());
  return {
    address,
    subAgent,
    calls,
    stages,
    consoles,
    requests: (method) => calls.filter((call) => call.method === method).map(({ request }) => request),
  };
};
