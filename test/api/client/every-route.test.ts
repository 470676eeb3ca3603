import { Readable } from 'node:stream';
import test from 'ava';
import type { Images } from '../../../lib/client/images.js';
import { type GuestAction, MistifyClient } from '../../../lib/client/index.js';
import type { Snapshots } from '../../../lib/client/snapshots.js';
import type { Route } from '../../../lib/server/route.js';
import { routeTable } from '../../../routes/table.js';
import { serveApi } from '../../helpers/api.js';
import { exampleOf } from '../../helpers/endpoints.js';
import { SCRIPTED_HOST } from '../../helpers/scripted-fleet.js';
import { until } from '../../helpers/wait.js';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmF me@laptop';

type Ids = Record<'guest' | 'job' | 'image' | 'disk' | 'name' | 'backup' | 'schedule', string>;
type Use = (client: MistifyClient, ids: Ids) => Promise<unknown>;

const actions: GuestAction[] = [
  'shutdown',
  'reboot',
  'restart',
  'poweroff',
  'start',
  'suspend',
  'resume',
  'save',
  'delete',
];

const actionUses = Object.fromEntries(
  actions.map((action): [string, Use] => [
    `POST /guests/{guestID}/${action}`,
    (client, { guest }) => client.guests.perform(guest, action),
  ]),
);

const imageUses = (path: string, images: (client: MistifyClient) => Images): Record<string, Use> => ({
  [`GET ${path}`]: (client) => images(client).list(),
  [`POST ${path}`]: (client, { image }) =>
    images(client).fetch({ id: image, source: 'http://192.0.2.1/debian-12.qcow2' }),
  [`GET ${path}/{imageID}`]: (client, { image }) => images(client).get(image),
  [`DELETE ${path}/{imageID}`]: (client, { image }) => images(client).delete(image),
});

const snapshotUses = (
  path: string,
  snapshots: (client: MistifyClient, ids: Ids) => Snapshots,
): Record<string, Use> => ({
  [`GET ${path}`]: (client, ids) => snapshots(client, ids).list(),
  [`POST ${path}`]: (client, ids) => snapshots(client, ids).create(ids.name),
  [`GET ${path}/{name}`]: (client, ids) => snapshots(client, ids).get(ids.name),
  [`PATCH ${path}/{name}`]: (client, ids) => snapshots(client, ids).describe(ids.name, 'nightly'),
  [`DELETE ${path}/{name}`]: (client, ids) => snapshots(client, ids).delete(ids.name),
  [`POST ${path}/{name}/rollback`]: (client, ids) => snapshots(client, ids).rollBack(ids.name),
  [`GET ${path}/{name}/download`]: async (client, ids) =>
    (await snapshots(client, ids).download(ids.name)).bytes.resume(),
});

/** A call of the client for each route. */
const uses: Record<string, Use> = {
  'GET /metadata': (client) => client.metadata.get(),
  'PATCH /metadata': (client) => client.metadata.patch({ rack: 'r1' }),
  'GET /jobs': (client) => client.jobs.list(),
  'GET /jobs/{jobID}': (client, { job }) => client.jobs.get(job),
  'DELETE /jobs/{jobID}': (client, { job }) => client.jobs.cancel(job),
  'GET /host': (client) => client.host.get(),
  'GET /host/history': (client) => client.host.history('day'),
  'GET /guests/{guestID}/history': (client, { guest }) => client.historyOf(guest),
  'POST /host/down': (client) => client.host.down({ wait: 1 }),
  'POST /host/up': (client) => client.host.up(),
  'GET /guests': (client) => client.guests.list(),
  'POST /guests': (client) => client.guests.create({ memory: 64, cpu: 1 }),
  'GET /guests/{guestID}': (client, { guest }) => client.guests.get(guest),
  'POST /guests/{guestID}/clone': (client, { guest }) => client.guests.clone(guest, { name: 'web-2' }),
  'POST /guests/{guestID}/warm': (client, { guest }) => client.guests.warm(guest),
  'DELETE /guests/{guestID}/warm': (client, { guest }) => client.guests.cool(guest),
  'DELETE /guests/{guestID}': (client, { guest }) => client.guests.delete(guest),
  'PATCH /guests/{guestID}/cdroms/{cdrom}': (client, { guest }) =>
    client.guests.changeCdrom(guest, 'cd0', 'netinst'),
  'GET /guests/{guestID}/jobs': (client, { guest }) => client.jobsOf(guest).list(),
  'GET /guests/{guestID}/jobs/{jobID}': (client, { guest, job }) => client.jobsOf(guest).get(job),
  'GET /guests/{guestID}/metadata': (client, { guest }) => client.metadataOf(guest).get(),
  'PATCH /guests/{guestID}/metadata': (client, { guest }) => client.metadataOf(guest).patch({ owner: 'ops' }),
  'GET /guests/{guestID}/metrics/cpu': (client, { guest }) => client.guests.cpuMetrics(guest),
  'GET /guests/{guestID}/metrics/disk': (client, { guest }) => client.guests.diskMetrics(guest),
  'GET /guests/{guestID}/metrics/nic': (client, { guest }) => client.guests.nicMetrics(guest),
  'POST /guests/import': (client) => client.guests.import(Readable.from([Buffer.from('file')])),
  'GET /guests/{guestID}/export': async (client, { guest }) =>
    (await client.guests.export(guest)).bytes.resume(),
  'GET /guests/{guestID}/console/serial': async (client, { guest }) =>
    (await client.guests.openSerialConsole(guest)).bytes.destroy(),
  'GET /guests/{guestID}/console/vnc': async (client, { guest }) =>
    (await client.guests.openVncConsole(guest)).destroy(),
  'PATCH /guests/{guestID}': (client, { guest }) => client.guests.update(guest, { tags: ['web'] }),
  'POST /guests/{guestID}/disks': (client, { guest }) => client.guests.addDisk(guest, { size: 1 }),
  'PATCH /guests/{guestID}/disks/{diskID}': (client, { guest }) =>
    client.guests.changeDisk(guest, '0', { size: 16 }),
  'DELETE /guests/{guestID}/disks/{diskID}': (client, { guest }) =>
    client.guests.removeDisk(guest, '0', { keep: true }),
  'POST /guests/{guestID}/upgrade-machine': (client, { guest }) => client.guests.upgradeMachine(guest),
  'POST /guests/{guestID}/exec': (client, { guest }) => client.guests.exec(guest, { command: ['uname'] }),
  'GET /guests/{guestID}/exec': async (client, { guest }) =>
    (await client.guests.openExec(guest, { command: ['sh'] })).close(),
  'GET /guests/{guestID}/files': async (client, { guest }) =>
    (await client.agentOf(guest).readFile('/etc/hosts')).bytes.resume(),
  'GET /guests/{guestID}/logs': async (client, { guest }) => (await client.guests.logs(guest)).resume(),
  'PUT /guests/{guestID}/files': (client, { guest }) => client.agentOf(guest).writeFile('/etc/motd', 'hello'),
  'GET /guests/{guestID}/agent': (client, { guest }) => client.agentOf(guest).info(),
  'POST /guests/{guestID}/agent/password': (client, { guest }) =>
    client.agentOf(guest).setPassword({ user: 'root', password: 'correct horse' }),
  'POST /guests/{guestID}/agent/ssh-keys': (client, { guest }) =>
    client.agentOf(guest).addSshKeys({ user: 'root', keys: [KEY] }),
  'POST /guests/{guestID}/agent/trim': (client, { guest }) => client.agentOf(guest).trim(),
  'POST /guests/{guestID}/agent/clock': (client, { guest }) => client.agentOf(guest).setClock(),
  'GET /guests/{guestID}/addresses': (client, { guest }) => client.guests.addresses(guest),
  'GET /schedules': (client) => client.schedules.list(),
  'POST /schedules': (client) =>
    client.schedules.create({ name: 'nightly', guests: { all: true }, cron: '30 2 * * *' }),
  'GET /schedules/{scheduleID}': (client, { schedule }) => client.schedules.get(schedule),
  'PATCH /schedules/{scheduleID}': (client, { schedule }) =>
    client.schedules.update(schedule, { keep: { daily: 7 } }),
  'DELETE /schedules/{scheduleID}': (client, { schedule }) => client.schedules.delete(schedule),
  'POST /schedules/{scheduleID}/run': (client, { schedule }) => client.schedules.run(schedule),
  'POST /guests/{guestID}/nics': (client, { guest }) => client.nicsOf(guest).add({ network: 'br0' }),
  'PATCH /guests/{guestID}/nics/{nicName}': (client, { guest }) =>
    client.nicsOf(guest).change('net0', { link: 'down' }),
  'DELETE /guests/{guestID}/nics/{nicName}': (client, { guest }) => client.nicsOf(guest).remove('net0'),
  ...actionUses,
  ...imageUses('/images', (client) => client.images),
  ...imageUses('/container_images', (client) => client.containerImages),
  'GET /container_images/{imageID}/download': async (client, { image }) =>
    (await client.containerImages.download(image)).bytes.resume(),
  'POST /container_images/prune': (client) => client.containerImages.prune(),
  'GET /volumes': (client) => client.volumes.list(),
  'POST /volumes': (client) => client.volumes.create({ name: 'shop-data' }),
  'GET /volumes/{volumeName}': (client) => client.volumes.get('shop-data'),
  'DELETE /volumes/{volumeName}': (client) => client.volumes.delete('shop-data'),
  'POST /volumes/{volumeName}/backups': (client) => client.volumeBackups.create('shop-data'),
  'GET /volume_backups': (client) => client.volumeBackups.list(),
  'POST /volume_backups/{backupID}/restore': (client, { backup }) =>
    client.volumeBackups.restore(backup, { volume: 'shop-copy' }),
  'POST /volume_backups/{backupID}/verify': (client, { backup }) => client.volumeBackups.verify(backup),
  'DELETE /volume_backups/{backupID}': (client, { backup }) => client.volumeBackups.delete(backup),
  'POST /volumes/prune': (client) => client.volumes.prune(),
  'GET /volumes/{volumeName}/download': async (client) =>
    (await client.volumes.download('shop-data')).bytes.resume(),
  'POST /volumes/{volumeName}/upload': (client) =>
    client.volumes.upload('shop-data', Readable.from([Buffer.from('file')])),
  'PUT /images/{imageID}': (client, { image }) =>
    client.images.upload(image, { size: 1, read: async () => Buffer.from('x') }),
  'GET /images/{imageID}/upload': (client, { image }) => client.images.getUpload(image),
  'DELETE /images/{imageID}/upload': (client, { image }) => client.images.deleteUpload(image),
  'GET /images/{imageID}/download': async (client, { image }) =>
    (await client.images.download(image)).bytes.resume(),
  ...snapshotUses('/guests/{guestID}/snapshots', (client, { guest }) => client.snapshotsOf(guest)),
  ...snapshotUses('/guests/{guestID}/disks/{diskID}/snapshots', (client, { guest, disk }) =>
    client.snapshotsOf(guest, disk),
  ),
  'GET /backups': (client) => client.backups.list(),
  'POST /backups/prune': (client) => client.backups.prune(),
  'GET /backups/{backupID}': (client, { backup }) => client.backups.get(backup),
  'DELETE /backups/{backupID}': (client, { backup }) => client.backups.delete(backup),
  'POST /backups/{backupID}/verify': (client, { backup }) => client.backups.verify(backup),
  'POST /backups/{backupID}/restore': (client, { backup }) => client.backups.restore(backup),
  'GET /backups/{backupID}/disks/{disk}/download': async (client, { backup }) =>
    (await client.backups.download(backup, '0')).bytes.resume(),
  'GET /guests/{guestID}/backups': (client, { guest }) => client.backupsOf(guest).list(),
  'POST /guests/{guestID}/backups': (client, { guest }) => client.backupsOf(guest).create(),
  'GET /debug/pprof/{profile}': async (client) =>
    (await client.debug.profile('heap', { seconds: 0.01 })).resume(),
  'GET /debug/pprof/cmdline': (client) => client.debug.commandLine(),
  'GET /debug/pprof/symbol': (client) => client.debug.symbol(),
  'GET /openapi.json': (client) => client.openApi(),
  'GET /events': async (client) => {
    for await (const _event of client.events({ lastEventId: '0' })) break;
  },
  'GET /guests/{guestID}/disks': (client, { guest }) => client.guests.disks(guest),
  'GET /networks': (client) => client.networks(),
  'GET /catalogue': (client) => client.catalogue(),
  'GET /hosts': (client) => client.hosts.list(),
  'GET /hosts/{hostID}': (client) => client.hosts.get(SCRIPTED_HOST.id),
  'DELETE /hosts/{hostID}': (client) => client.hosts.forget(SCRIPTED_HOST.id),
  'GET /storage': (client) => client.storage(),
  'GET /services': (client) => client.services(),
  'GET /audit': (client) => client.audit.list({ by: 'local' }),
  'GET /access': (client) => client.access(),
  'GET /metrics': (client) => client.metrics(),
  'GET /metrics/guests': (client) => client.guests.metrics(),
  'GET /healthz': (client) => client.requireAlive(),
  'GET /readyz': (client) => client.requireReady(),
};

/** Whether the client needs the route: not a page, and not a GET that queues a job, for which it sends a POST. */
const isForPrograms = ({ method, reply }: Route): boolean =>
  reply.type !== 'text/html' && !(method === 'GET' && reply.status === 202);

for (const route of routeTable.filter(isForPrograms)) {
  const name = `${route.method} ${route.path}`;
  test(`the client has a method for ${name}`, async (t) => {
    const use = uses[name];
    if (!use) return t.fail('add a method to the client, and a call of it to "uses" in this file');
    const { url, context, asked } = await serveApi(t);
    const { params } = await exampleOf(route, context);
    const [guest] = context.guests.list();
    await use(new MistifyClient({ url }), {
      guest: params.guestID ?? guest?.id ?? '',
      job: params.jobID ?? '',
      image: params.imageID ?? 'debian-12',
      disk: params.diskID ?? '',
      name: params.name ?? 'monday',
      backup: params.backupID ?? '',
      schedule: params.scheduleID ?? '',
    });
    await until('the agent has responded', () => asked.length > 0);
    t.deepEqual(asked, [name]);
  });
}
