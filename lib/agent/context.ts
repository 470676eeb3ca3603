import type { AuditLog } from '../audit/audit-log.js';
import type { GuestsConfig } from '../config/guests.js';
import type { EventLog } from '../events/event-log.js';
import type { Room } from '../files/room.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Logger } from '../log.js';
import type { HistoryRecorder } from '../metrics/history/recorder.js';
import type { Metrics } from '../metrics/metrics.js';
import type { HostProgram } from '../model/host-program.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Schedules } from '../runtime/schedules/schedules.js';
import type { GuestStore } from '../store/guest-store.js';
import type { JobLog } from '../store/job-log.js';
import type { MetadataStore } from '../store/metadata-store.js';
import type { AddressBook } from './address-book.js';
import type { Catalogue } from './catalogue/catalogue.js';
import type { ComingBack } from './coming-back/coming-back.js';
import type { Part } from './host/parts.js';

/** The state and services that handlers work with. */
export interface Context {
  guests: GuestStore;
  jobs: JobLog;
  metadata: MetadataStore;
  runtime: Runtime;
  audit: AuditLog;
  events: EventLog;
  metrics: Metrics;
  /** What is known of the guests' addresses. */
  addresses: Pick<AddressBook, 'listed' | 'learn'>;
  /** The guests of the host, which come back after its boots. */
  host: Pick<ComingBack, 'status' | 'down' | 'up'>;
  schedules: Schedules;
  /** The images that can be fetched by name. */
  catalogue: Pick<Catalogue, 'list'>;
  /** Whether each service's sub-agent responds, by the service's name. */
  services: () => ReadonlyMap<string, boolean>;
  /** What the sub-agents could not do and retry, in sentences, by the name of a service. */
  problems: () => ReadonlyMap<string, readonly string[]>;
  /** Why a service's sub-agent does not respond, by the service's name, where that is known. */
  downReasons: () => ReadonlyMap<string, string>;
  /** What the guests and the host have had to do. */
  history: Pick<HistoryRecorder, 'ofGuest' | 'ofHost'>;
  /** What the sub-agents look after, and their services. */
  parts: readonly Part[];
  /** The programs that the sub-agents work with, as far as they say. */
  programs: () => readonly HostProgram[];
  /** The room on the device of the agent's state. */
  stateRoom: () => Promise<Room>;
  /** The CPU model of new virtual machines that name none; their sub-agent chooses one when absent. */
  cpuModel?: string | undefined;
  /** Whether new guests that do not say start after a boot of the host. */
  autostart?: GuestsConfig['autostart'];
  /** The fleet that the host belongs to; absent when the config names none. */
  fleet?: Pick<Fleet, 'hosts' | 'host' | 'forget'> | undefined;
  log: Logger;
}
