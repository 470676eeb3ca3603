import type { Context } from '../lib/agent/context.js';
import type { Route } from '../lib/server/route.js';
import { backupRoutes } from './backups.js';
import { catalogueRoutes } from './catalogue.js';
import { consoleRoutes } from './consoles.js';
import { debugRoutes } from './debug.js';
import { diskRoutes } from './disks.js';
import { documentationRoutes } from './documentation.js';
import { guestActionRoutes } from './guest-actions.js';
import { guestRoutes } from './guests.js';
import { hostRoutes } from './host.js';
import { fleetHostRoutes } from './hosts.js';
import { imageRoutes } from './images.js';
import { inGuestRoutes } from './in-guest.js';
import { jobRoutes } from './jobs.js';
import { metadataRoutes } from './metadata.js';
import { networkRoutes } from './networks.js';
import { nicRoutes } from './nics.js';
import { observabilityRoutes } from './observability.js';
import { scheduleRoutes } from './schedules.js';
import { snapshotRoutes } from './snapshots.js';
import { storageRoutes } from './storage.js';
import { transferRoutes } from './transfer.js';
import { volumeBackupRoutes } from './volume-backups.js';
import { volumeRoutes } from './volumes.js';

/** Every endpoint of the agent. */
export const routeTable: readonly Route<Context>[] = [
  ...metadataRoutes,
  ...imageRoutes,
  ...catalogueRoutes,
  ...storageRoutes,
  ...volumeRoutes,
  ...volumeBackupRoutes,
  ...networkRoutes,
  ...hostRoutes,
  ...fleetHostRoutes,
  ...jobRoutes,
  ...guestRoutes,
  ...guestActionRoutes,
  ...diskRoutes,
  ...nicRoutes,
  ...snapshotRoutes,
  ...transferRoutes,
  ...backupRoutes,
  ...scheduleRoutes,
  ...consoleRoutes,
  ...inGuestRoutes,
  ...observabilityRoutes,
  ...debugRoutes,
  ...documentationRoutes(() => routeTable),
];
