import { join } from 'node:path';
import { AuditLog } from '../audit/audit-log.js';
import type { Config } from '../config/load.js';
import { EventLog } from '../events/event-log.js';
import { startWebhooks } from '../events/webhooks/start.js';
import { roomOf } from '../files/room.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Logger } from '../log.js';
import { HistoryRecorder } from '../metrics/history/recorder.js';
import { Metrics } from '../metrics/metrics.js';
import { actionName } from '../model/actions.js';
import { isFinished } from '../model/job.js';
import { describeAddress } from '../rpc/protocol/service-address.js';
import { recover } from '../runtime/actions/recover.js';
import { runTask } from '../runtime/actions/run-task.js';
import { noteProgress } from '../runtime/jobs/note-progress.js';
import { type Action, buildAction } from '../runtime/pipeline/action.js';
import { Runtime } from '../runtime/runtime.js';
import { Schedules } from '../runtime/schedules/schedules.js';
import { GuestStore } from '../store/guest-store.js';
import { JobLog } from '../store/job-log.js';
import { MetadataStore } from '../store/metadata-store.js';
import { ScheduleStore } from '../store/schedule-store.js';
import { AddressBook } from './address-book.js';
import { auditDetails } from './audit-details.js';
import { openCatalogue } from './catalogue/open.js';
import { ComingBack } from './coming-back/coming-back.js';
import type { Context } from './context.js';
import { partsOf } from './host/parts.js';
import { openFleet } from './open-fleet.js';
import { publishChanges, scheduleEvent } from './publish-changes.js';
import { buildServices } from './services.js';
import { type StartedSubAgents, startSubAgents } from './startup/start-sub-agents.js';
import type { WatchedSubAgent } from './sub-agents/link.js';
import type { Secrets } from './sub-agents/secrets.js';
import { SubAgentWatcher } from './sub-agents/watcher.js';

/** How long the start waits for the sub-agents to report their guests' states. */
const FIRST_STATES_MS = 15_000;

/** An agent without a listener. Handlers are called with its `context`, once it has begun. */
export interface Agent {
  context: Context;
  /** Waits for the states of the guests, and recovers unfinished jobs. */
  begin(): Promise<void>;
  /**
   * Rejects new actions and waits for the running ones; unfinished jobs stay on disk for the next start.
   * @param ms milliseconds after which it stops waiting
   */
  drain(ms: number): Promise<void>;
  /**
   * Stops the sub-agents that the agent started, and closes the state. Drain it first: jobs that still run are left to
   * the next start.
   */
  stop(): Promise<void>;
}

const servicesOf = (action: Action | undefined): string[] =>
  action?.stages.map(({ service }) => service.name) ?? [];

/** Groups services by address: each group is one sub-agent. */
const subAgentsOf = ({ services }: Config, secrets: Secrets): WatchedSubAgent[] => {
  const found = new Map<string, WatchedSubAgent>();
  for (const [name, service] of services) {
    const key = describeAddress(service);
    const starting = service.command !== undefined || found.get(key)?.starting === true;
    const names = [...(found.get(key)?.names ?? []), name];
    found.set(key, { names, address: service, secret: secrets.get(service), starting });
  }
  return [...found.values()];
};

/** What is wrong with the sub-agents and the fleet, in sentences, by service; the fleet is `fleet`. */
const problemsOf = (
  watcher: SubAgentWatcher,
  fleet: Fleet | undefined,
): ReadonlyMap<string, readonly string[]> => {
  const problems = fleet?.problems() ?? [];
  return problems.length === 0 ? watcher.problems() : new Map([...watcher.problems(), ['fleet', problems]]);
};

const openState = async (
  { dbpath, events: { max_bytes: maxBytes } }: Config,
  log: Logger,
  goesDown: () => boolean,
) => {
  const [guests, jobs, metadata, schedules, events] = await Promise.all([
    GuestStore.open(join(dbpath, 'guests.db'), goesDown),
    JobLog.open(join(dbpath, 'jobs.db')),
    MetadataStore.open(join(dbpath, 'metadata.db')),
    ScheduleStore.open(join(dbpath, 'schedules.db')),
    EventLog.open(join(dbpath, 'events'), log, maxBytes),
  ]);
  return { guests, jobs, metadata, schedules, events };
};

/** Makes an agent that has yet to begin: opens the state. When that fails, it stops the sub-agents. */
export const openAgent = async (
  config: Config,
  log: Logger,
  { secrets, receivers, lock, host, supervisor }: StartedSubAgents,
): Promise<Agent> => {
  const {
    guests,
    jobs,
    metadata,
    schedules: scheduleStore,
    events,
  } = await openState(config, log, () => host.goesDown).catch(async (error: unknown) => {
    await supervisor.stop();
    throw error;
  });
  const audit = new AuditLog({ directory: config.dbpath, log, detailsOf: auditDetails({ guests, jobs }) });
  jobs.onChange(({ job }) => {
    if (isFinished(job)) audit.jobEnded(job);
  });
  publishChanges(events, guests, jobs);
  const webhooks = await startWebhooks(receivers, {
    events,
    sealedNow: (id) => guests.sealedKeys(id),
    directory: join(config.dbpath, 'events', 'webhooks'),
    log,
  });
  const services = buildServices(config, {
    secrets,
    observe: (...call) => metrics.observeCall(...call),
    exits: supervisor.exits,
  });
  const actions = new Map(
    [...config.actions].map(([name, action]) => [name, buildAction(name, action, services)]),
  );
  const runtime = new Runtime({
    ...{ actions, guests, jobs, log, runTask },
    uniqueNames: config.server.unique_names ?? true,
    quota: config.quota,
  });
  const watcher = new SubAgentWatcher({
    ...{ revisions: runtime.revisions, events, log },
    noteProgress: (progress) => noteProgress({ guests, jobs }, progress),
    exits: supervisor.exits,
  });
  supervisor.onHang((address, reason) => watcher.noteHang(address, reason));
  const addresses = new AddressBook(runtime);
  const schedules = new Schedules({
    ...{ runtime, store: scheduleStore },
    concurrency: config.schedules.concurrency,
    isPaused: () => host.goesDown,
    onJob: ({ name }, guest, job) =>
      audit.write({ event: 'schedule', principal: 'schedule', schedule: name, guest, job }),
    onChange: (change) => {
      events.publish(scheduleEvent(change));
      metrics.observeSchedule(change);
    },
  });
  const metrics: Metrics = new Metrics({
    runtime,
    schedules,
    events,
    addresses: (guest) => addresses.of(guest),
    stateRoom: () => roomOf(config.dbpath),
    restarts: () => supervisor.restarts,
    services: () => watcher.services(),
    problems: () => watcher.problems(),
    calls: () => [...services].map(([name, service]) => [name, service.load()] as const),
  });
  const fleet = await openFleet(config, runtime, log);
  const history = new HistoryRecorder({
    ...{ guests, log, directory: join(config.dbpath, 'history') },
    measure: () => metrics.guests(),
  });
  const comingBack = new ComingBack({
    ...{ runtime, host, log },
    isKnown: (guest) => watcher.isKnown(guest, servicesOf(actions.get(actionName(guest.type, 'start')))),
    onOutcome: (cause, outcome) => metrics.countStart(cause, outcome),
  });
  await comingBack.noteBoot();
  return {
    context: {
      ...{ guests, jobs, metadata, runtime, audit, events, metrics, history, addresses, schedules, log },
      services: () => watcher.services(),
      problems: () => problemsOf(watcher, fleet),
      downReasons: () => watcher.downReasons(),
      parts: partsOf(config),
      programs: () => watcher.programs(),
      stateRoom: () => roomOf(config.dbpath),
      cpuModel: config.guests.cpu_model,
      autostart: config.guests.autostart,
      fleet,
      host: comingBack,
      catalogue: openCatalogue(config, log),
    },
    begin: async () => {
      await watcher.watch(subAgentsOf(config, secrets), FIRST_STATES_MS);
      recover(runtime);
      comingBack.open();
      await schedules.open();
      await history.open();
      if (config.guests.list_addresses ?? true) addresses.open();
    },
    drain: async (ms) => {
      await runtime.queue.drain(ms);
      events.close();
    },
    stop: async () => {
      comingBack.close();
      schedules.close();
      addresses.close();
      await runtime.queue.drain(0);
      await history.close();
      // Running jobs are about to lose their sub-agents; such a failure must not be recorded as theirs.
      runtime.queue.detach();
      watcher.close();
      await fleet?.close();
      await supervisor.stop();
      for (const { client } of services.values()) client.close();
      await Promise.all([guests.close(), jobs.close(), metadata.close(), scheduleStore.close()]);
      await Promise.all([audit.close(), events.end(), webhooks.stop()]);
      await lock.release();
    },
  };
};

/**
 * Starts an agent: starts its sub-agents, opens the state, waits for the states of the guests, and recovers unfinished jobs.
 * @param bootIdFile the file with the id of the host's boot; by default that of the kernel
 */
export const startAgent = async (config: Config, log: Logger, bootIdFile?: string): Promise<Agent> => {
  const agent = await openAgent(config, log, await startSubAgents(config, log, bootIdFile));
  await agent.begin();
  return agent;
};
