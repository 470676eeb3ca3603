import type { Context } from '../../lib/agent/context.js';
import type { Guest } from '../../lib/model/guest.js';
import type { ServiceClient } from '../../lib/rpc/client/service-client.js';
import { Service } from '../../lib/runtime/pipeline/service.js';
import type { Route } from '../../lib/server/route.js';
import { addGuest } from './agent.js';
import { VOLUME_BACKUP } from './scripted.js';
import { SCRIPTED_HOST, scriptedFleet } from './scripted-fleet.js';
import { until } from './wait.js';

/** A valid request to a route. */
export interface Example {
  params: Record<string, string>;
  query: Record<string, unknown>;
  payload: unknown;
}

const PAYLOADS: Record<string, unknown> = {
  'PATCH /metadata': { rack: 'r1' },
  'PATCH /guests/{guestID}': { description: 'shop' },
  'PATCH /guests/{guestID}/metadata': { owner: 'ops' },
  'POST /guests': { memory: 64, cpu: 1 },
  'POST /images': { id: 'debian-12', source: 'http://192.0.2.1/debian-12.qcow2' },
  'POST /guests/{guestID}/exec': { command: ['uname', '-a'] },
  'POST /guests/{guestID}/agent/password': { user: 'root', password: 'correct horse' },
  'POST /guests/{guestID}/agent/ssh-keys': {
    user: 'root',
    keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmF me@laptop'],
  },
  'POST /guests/{guestID}/disks': { size: 8 },
  'PATCH /guests/{guestID}/disks/{diskID}': { size: 16 },
  'PATCH /guests/{guestID}/cdroms/{cdrom}': { image: 'debian-12' },
  'POST /guests/{guestID}/clone': { name: 'web-2' },
  'POST /guests/{guestID}/nics': { network: 'br0' },
  'PATCH /guests/{guestID}/nics/{nicName}': { link: 'down' },
  'POST /schedules': { name: 'nightly', guests: { all: true }, cron: '30 2 * * *' },
  'PATCH /schedules/{scheduleID}': { keep: { daily: 7 } },
  'POST /volumes': { name: 'shop-data' },
  'POST /volume_backups/{backupID}/restore': { volume: 'shop-copy' },
  'POST /container_images': { id: 'localhost/busybox:1' },
};

const QUERIES: Record<string, Record<string, unknown>> = {
  '/debug/pprof/{profile}': { seconds: 0.01 },
  '/guests/{guestID}/files': { path: '/etc/hosts' },
  '/guests/{guestID}/history': { range: 'hour' },
  '/host/history': { range: 'hour' },
  '/events': { after: 0, limit: 1 },
  '/guests/{guestID}/console/serial': { scrollback: 1024 },
};

const payloadOf = ({ method, path }: Route): unknown => {
  if (path.endsWith('/snapshots') && method === 'POST') return { dest: 'monday' };
  if (path.endsWith('/snapshots/{name}') && method === 'PATCH') return { description: 'nightly' };
  if (path.endsWith('/rollback')) return { destroyMoreRecent: true };
  return PAYLOADS[`${method} ${path}`] ?? null;
};

const task = { kind: 'guest', name: 'start' } as const;

/** Never responds until it is aborted. */
const hangingClient: ServiceClient = {
  call: (_method, _request, { signal } = {}) =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  open: () => Promise.reject(new Error('no streams')),
  upload: () => Promise.reject(new Error('no uploads')),
  connect: () => Promise.reject(new Error('no consoles')),
  cancel: async () => {},
  close: () => {},
};

const addHangingJob = async ({ jobs, runtime }: Context, guestId: string): Promise<string> => {
  const job = await jobs.add(guestId, 'start', task);
  const service = new Service('hanging', hangingClient, 1);
  const stage = {
    service,
    method: 'Test.Hang',
    check: undefined,
    args: undefined,
    timeout: 60,
    idempotent: false,
    always: false,
  };
  runtime.queue.resume(
    { job, task, stage: 0 },
    { name: 'start', kind: 'async', isDownload: false, stages: [stage] },
  );
  await until('it runs', () => jobs.get(job.ID).Status === 'Running');
  return job.ID;
};

const addFinishedJob = async ({ jobs }: Context, guestId: string): Promise<string> => {
  const { ID } = await jobs.add(guestId, 'start', task);
  await jobs.complete(ID);
  return ID;
};

const addSchedule = async ({ schedules }: Context, guest: string): Promise<string> => {
  const spec = { name: `weekly-${guest}`, guests: { ids: [guest] }, cron: '@weekly' };
  return (await schedules.create(spec)).id;
};

/**
 * Makes a valid request to a route, for a new guest with a new job.
 * @param labels what the guest has beside
 */
export const exampleOf = async (
  route: Route,
  context: Context,
  labels: Pick<Guest, 'tags'> = {},
): Promise<Example> => {
  const disk = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };
  const guest = await addGuest(context, {
    state: 'shutoff',
    memory: 64,
    disks: [disk],
    nics: [
      { name: 'net0', network: 'br0', model: 'virtio', address: '', netmask: '', gateway: '', vlans: [] },
    ],
    metadata: { owner: 'dev' },
    ...labels,
    ...(route.path.endsWith('/warm') ? { template: true } : {}),
    ...(route.operationId === 'openGuestExec' ? { type: 'container' } : {}),
  });
  const addJob = route.method === 'DELETE' && route.path.endsWith('{jobID}') ? addHangingJob : addFinishedJob;
  const jobID = await addJob(context, guest.id);
  const scheduleID = route.path.includes('{scheduleID}') ? await addSchedule(context, guest.id) : '';
  if (route.tags.includes('fleet')) context.fleet = scriptedFleet;
  const values: Record<string, string> = {
    scheduleID,
    hostID: SCRIPTED_HOST.id,
    guestID: guest.id,
    jobID,
    imageID: 'debian-12',
    volumeName: 'shop-data',
    diskID: 'vda',
    name: 'monday',
    nicName: 'net0',
    cdrom: 'cd0',
    backupID: VOLUME_BACKUP,
    disk: '0',
    profile: 'heap',
  };
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
  return {
    params: Object.fromEntries(names.map((name) => [name, values[name] ?? `no value for ${name}`])),
    query: QUERIES[route.path] ?? {},
    payload: payloadOf(route),
  };
};

/** Fills in the path and the query of an example. */
export const pathOf = ({ path }: Route, { params, query }: Example): string => {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const search = new URLSearchParams(query as Record<string, string>).toString();
  return search ? `${filled}?${search}` : filled;
};
