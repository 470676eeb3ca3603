import { cpus, hostname, release, totalmem } from 'node:os';
import type { Config } from '../config/load.js';
import { packageVersion } from '../files/package-root.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Logger } from '../log.js';
import type { HostRecord } from '../model/fleet-host.js';
import { MB } from '../model/units.js';
import { queryStorageSpace } from '../runtime/actions/storage-actions.js';
import type { Runtime } from '../runtime/runtime.js';

const STORAGE_MS = 5000;

/** Returns the size of the storage in MB, where a sub-agent says it in time. */
const storageSize = async (runtime: Runtime): Promise<number | undefined> => {
  if (!runtime.isConfigured('storageSpace')) return undefined;
  const space = await queryStorageSpace(runtime, { leftovers: false }, AbortSignal.timeout(STORAGE_MS)).catch(
    () => undefined,
  );
  return space?.result.size;
};

/** Joins the fleet of the config, if it names one. Only then is the client of etcd loaded. */
export const openFleet = async (
  { fleet: config, dbpath }: Config,
  runtime: Runtime,
  log: Logger,
): Promise<Fleet | undefined> => {
  if (config.endpoints === undefined) return undefined;
  const { Fleet } = await import('../fleet/fleet.js');
  let disk: number | undefined;
  const describe = async (): Promise<Omit<HostRecord, 'id' | 'name' | 'address' | 'labels'>> => {
    // A storage that does not answer has not shrunk.
    disk = (await storageSize(runtime)) ?? disk;
    const { cpu, ...used } = runtime.quota.usage();
    return {
      capacity: {
        cpus: cpus().length,
        memory: Math.floor(totalmem() / MB),
        ...(disk === undefined ? {} : { disk }),
      },
      used: { ...used, cpus: cpu },
      version: packageVersion(),
      kernel: release(),
      arch: process.arch,
    };
  };
  return Fleet.open({ config, dbpath, describe, hostName: hostname(), log });
};
