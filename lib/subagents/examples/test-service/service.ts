import Joi from 'joi';
import type { Logger } from '../../../log.js';
import {
  closeRequestSchema,
  guestBackupRequestSchema,
  openRestoreRequestSchema,
} from '../../../rpc/protocol/backup-disk-messages.js';
import {
  backupDiskRequestSchema,
  backupRequestSchema,
  backupsRequestSchema,
  createBackupRequestSchema,
  pruneRequestSchema,
  restoreBackupRequestSchema,
} from '../../../rpc/protocol/backup-messages.js';
import {
  type GuestRequest,
  type GuestResponse,
  guestRequestSchema,
} from '../../../rpc/protocol/guest-messages.js';
import { imageRequestSchema } from '../../../rpc/protocol/image-messages.js';
import {
  allMetricsRequestSchema,
  guestMetricsRequestSchema,
} from '../../../rpc/protocol/metrics-messages.js';
import { networksRequestSchema } from '../../../rpc/protocol/network-messages.js';
import { snapshotRequestSchema } from '../../../rpc/protocol/snapshot-messages.js';
import { storageSpaceRequestSchema } from '../../../rpc/protocol/space-messages.js';
import { SubAgent } from '../../../rpc/server/sub-agent.js';
import { MadeUpRepository } from './backups.js';
import { openConsole } from './console.js';
import * as guests from './guests.js';
import { cloneImage, containerImage, diskImage, listImages, oneImage, storageSpace } from './images.js';
import { allMetrics, cpuMetrics, diskMetrics, nicMetrics } from './metrics.js';
import { networksFor } from './networks.js';
import { createSnapshot, downloadSnapshot, listSnapshots, oneSnapshot } from './snapshots.js';

const DISK_IMAGES = ['debian-12', 'alpine-3'];
const CONTAINER_IMAGES = ['localhost/busybox:1'];

type GuestMethod = (request: GuestRequest) => GuestResponse;

const GUEST_METHODS: Record<`${string}.${string}`, GuestMethod> = {
  'ImageStore.VerifyDisks': guests.unchanged,
  'ImageStore.CreateGuestDisks': guests.withDisks,
  'ImageStore.DeleteGuestsDisks': guests.withoutDisks,

  'Libvirt.CreateGuest': guests.defined,
  'Libvirt.Create': guests.running,
  'Libvirt.Delete': guests.shutoff,
  'Libvirt.Restart': guests.running,
  'Libvirt.Reboot': guests.running,
  'Libvirt.Poweroff': guests.shutoff,
  'Libvirt.Shutdown': guests.shutoff,
  'Libvirt.Run': guests.running,
  'Libvirt.Suspend': guests.paused,
  'Libvirt.Resume': guests.running,
  'Libvirt.Status': guests.status,

  'MDocker.CreateContainer': guests.container('stopped'),
  'MDocker.DeleteContainer': guests.container('deleted'),
  'MDocker.StartContainer': guests.container('running'),
  'MDocker.StopContainer': guests.container('stopped'),
  'MDocker.RestartContainer': guests.container('running'),
  'MDocker.RebootContainer': guests.container('running'),
  'MDocker.PauseContainer': guests.container('paused'),
  'MDocker.UnpauseContainer': guests.container('running'),

  'Test.Create': guests.running,
  'Test.Delete': guests.shutoff,
  'Test.Restart': guests.running,
  'Test.Reboot': guests.running,
  'Test.Poweroff': guests.shutoff,
  'Test.Shutdown': guests.shutoff,
  'Test.Run': guests.running,
  'Test.Suspend': guests.paused,
  'Test.Resume': guests.running,
  'Test.CreateContainer': guests.container('stopped'),
  'Test.DeleteContainer': guests.container('deleted'),
  'Test.StartContainer': guests.container('running'),
  'Test.StopContainer': guests.container('stopped'),
  'Test.RestartContainer': guests.container('running'),
  'Test.RebootContainer': guests.container('running'),
  'Test.PauseContainer': guests.container('paused'),
  'Test.UnpauseContainer': guests.container('running'),
};

/** Requests of the original agent's API about containers that are not guests. */
const containerRequestSchema = Joi.object<{ id: string }>({
  id: Joi.string().allow('').default(''),
}).unknown();

const addMetrics = (agent: SubAgent, service: string): void => {
  agent
    .method(`${service}.AllMetrics`, allMetricsRequestSchema, allMetrics)
    .method(`${service}.CPUMetrics`, guestMetricsRequestSchema, cpuMetrics)
    .method(`${service}.DiskMetrics`, guestMetricsRequestSchema, diskMetrics)
    .method(`${service}.NicMetrics`, guestMetricsRequestSchema, nicMetrics);
};

const addImages = (agent: SubAgent, service: string): void => {
  const one = oneImage(diskImage);
  agent
    .method(`${service}.ListImages`, imageRequestSchema, listImages(diskImage, DISK_IMAGES))
    .method(`${service}.GetImage`, imageRequestSchema, one)
    .method(`${service}.RequestImage`, imageRequestSchema, one)
    .method(`${service}.DeleteImage`, imageRequestSchema, one)
    .method(`${service}.CloneImage`, imageRequestSchema, cloneImage)
    .method(`${service}.Space`, storageSpaceRequestSchema, storageSpace)
    .method(`${service}.DiskUse`, guestRequestSchema, guests.diskUse);
};

const addSnapshots = (agent: SubAgent, service: string): void => {
  agent
    .method(`${service}.ListSnapshots`, snapshotRequestSchema, listSnapshots)
    .method(`${service}.GetSnapshot`, snapshotRequestSchema, oneSnapshot)
    .method(`${service}.CreateSnapshot`, snapshotRequestSchema, createSnapshot)
    .method(`${service}.DescribeSnapshot`, snapshotRequestSchema, oneSnapshot)
    .method(`${service}.DeleteSnapshot`, snapshotRequestSchema, oneSnapshot)
    .method(`${service}.RollbackSnapshot`, snapshotRequestSchema, oneSnapshot);
};

const addBackups = (agent: SubAgent): void => {
  const repository = new MadeUpRepository();
  agent
    .method('ImageStore.OpenBackup', guestBackupRequestSchema, (request) => repository.openBackup(request))
    .method('ImageStore.CloseBackup', closeRequestSchema, guests.unchanged)
    .method('ImageStore.OpenRestore', openRestoreRequestSchema, (request) => repository.openRestore(request))
    .method('ImageStore.CloseRestore', closeRequestSchema, guests.unchanged)
    .method('Backup.Create', createBackupRequestSchema, (request) => repository.create(request))
    .method('Backup.Restore', restoreBackupRequestSchema, (request) => repository.restore(request))
    .method('Backup.List', backupsRequestSchema, (request) => repository.list(request))
    .method('Backup.Get', backupRequestSchema, (request) => repository.get(request))
    .method('Backup.Verify', backupRequestSchema, (request) => repository.verify(request))
    .method('Backup.Delete', backupRequestSchema, (request) => repository.delete(request))
    .method('Backup.Prune', pruneRequestSchema, () => ({ message: 'nothing to free' }));
  agent.stream('/backups/download', backupDiskRequestSchema, (request) => repository.download(request));
};

const addContainers = (agent: SubAgent): void => {
  const list = listImages(containerImage, CONTAINER_IMAGES);
  const one = oneImage(containerImage);
  agent
    .method('MDocker.ListImages', imageRequestSchema, list)
    .method('MDocker.GetImage', imageRequestSchema, one)
    .method('MDocker.LoadImage', imageRequestSchema, one)
    .method('MDocker.DeleteImage', imageRequestSchema, one)
    .method('MDocker.ListContainers', containerRequestSchema, () => ({ containers: [] }))
    .method('MDocker.GetContainer', containerRequestSchema, ({ id }) => ({ containers: [{ Id: id }] }))
    .method('MDocker.SaveContainer', containerRequestSchema, ({ id }) => ({ images: [containerImage(id)] }))
    .method('Test.ListContainerImages', imageRequestSchema, list)
    .method('Test.GetContainerImage', imageRequestSchema, one)
    .method('Test.PullContainerImage', imageRequestSchema, one)
    .method('Test.DeleteContainerImage', imageRequestSchema, one);
};

/**
 * Creates a sub-agent that responds to every method with fixed values and without side effects, for developing clients
 * on a machine without a hypervisor.
 */
export const createTestService = (log: Logger): SubAgent => {
  const agent = new SubAgent({ name: 'mistify-test-service', log });
  for (const [method, respond] of Object.entries(GUEST_METHODS))
    agent.method(method as `${string}.${string}`, guestRequestSchema, respond);
  for (const service of ['Libvirt', 'MDocker', 'Test']) addMetrics(agent, service);
  for (const service of ['ImageStore', 'Test']) {
    addImages(agent, service);
    addSnapshots(agent, service);
  }
  addContainers(agent);
  addBackups(agent);
  agent
    .method('Libvirt.ListNetworks', networksRequestSchema, () => networksFor('vm'))
    .method('MDocker.ListNetworks', networksRequestSchema, () => networksFor('container'))
    .method('Test.ListNetworks', networksRequestSchema, () => networksFor('vm'));
  agent.stream('/snapshots/download', snapshotRequestSchema, downloadSnapshot);
  agent.console('/console/serial', openConsole);
  return agent;
};
