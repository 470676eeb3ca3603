import { randomUUID } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { type Agent, startAgent } from '../../lib/agent/agent.js';
import type { Context } from '../../lib/agent/context.js';
import type { CatalogueSourceConfig } from '../../lib/config/catalogue.js';
import type { EventsConfig } from '../../lib/config/events.js';
import type { FleetConfig } from '../../lib/config/fleet.js';
import type { GuestsConfig } from '../../lib/config/guests.js';
import type { Config } from '../../lib/config/load.js';
import type { QuotaConfig } from '../../lib/config/quota.js';
import type { SchedulesConfig } from '../../lib/config/schedules.js';
import type { ServiceConfig, ServiceSettings, StageConfig } from '../../lib/config/schema.js';
import type { ServerConfig } from '../../lib/config/server.js';
import type { Logger } from '../../lib/log.js';
import { ACTION_SPECS } from '../../lib/model/actions.js';
import type { ErrorBody, Event, Reply } from '../../lib/model/endpoint.js';
import { type Guest, type LooseGuest, normalizeGuest } from '../../lib/model/guest.js';
import { isFinished, type Job } from '../../lib/model/job.js';
import { grantsOfScope } from '../../lib/model/rights.js';
import { RPC_PATH } from '../../lib/rpc/protocol/calls.js';
import type { ServiceAddress } from '../../lib/rpc/protocol/service-address.js';
import { errorBody, toBoom } from '../../lib/server/errors.js';
import { JOB_ID_HEADER } from '../../lib/server/job-id-header.js';
import {
  CONSOLE_ACTIONS,
  consolePath,
  type Script,
  type ScriptedSubAgent,
  startScripted,
} from './scripted.js';
import { silentLog } from './sub-agents.js';
import { tempDir } from './temp.js';
import { until } from './wait.js';

type TestService = ServiceAddress & Partial<ServiceSettings>;

export interface TestAgentOptions extends Script {
  /** Stages by action, instead of the single `Test.<action>`; `undefined` leaves the action unconfigured. */
  actions?: Record<string, Partial<StageConfig>[] | undefined>;
  /** Settings of the services `test`, `download` and `upload`, which are the scripted sub-agent. */
  service?: Partial<ServiceSettings>;
  /** Further services. */
  services?: Record<string, TestService>;
  events?: EventsConfig;
  quota?: QuotaConfig;
  schedules?: SchedulesConfig;
  /** The sources of the catalogue. */
  catalogue?: ReadonlyMap<string, CatalogueSourceConfig>;
  fleet?: FleetConfig;
  /** By default the agent asks for no addresses in the background, among the calls that a test expects. */
  guests?: GuestsConfig;
  server?: ServerConfig;
  /** The state directory; by default a temporary one. */
  dbpath?: string;
  /** The file with the id of the host's boot. */
  bootIdFile?: string;
  log?: Logger;
}

/** A real agent and a scripted sub-agent, connected over a real socket. */
export interface TestAgent extends Agent {
  context: Context;
  dbpath: string;
  scripted: ScriptedSubAgent;
}

const service = (part: TestService): ServiceConfig => ({
  path: RPC_PATH,
  max_pending: 4,
  ...part,
});

/** The actions whose first stage is a stream, and the second an upload of its bytes. */
const TRANSFERS: ReadonlySet<string> = new Set(['createVolumeBackup', 'restoreVolumeBackup']);

const stagesOf = (name: string): Partial<StageConfig>[] => {
  const { kind } = ACTION_SPECS.get(name) ?? {};
  if (kind === 'stream') return [{ service: 'download', method: 'Test.Download' }];
  if (TRANSFERS.has(name))
    return [
      { service: 'download', method: 'Test.Download' },
      { service: 'upload', method: 'Test.Upload' },
    ];
  if (kind === 'upload') return [{ service: 'upload', method: 'Test.Upload' }];
  return CONSOLE_ACTIONS.includes(name) ? [{ service: name }] : [{}];
};

const testConfig = (address: ServiceAddress, dbpath: string, options: TestAgentOptions): Config => {
  const services = {
    test: { ...address, ...options.service },
    download: { ...address, ...options.service, path: '/download' },
    upload: { ...address, ...options.service, path: '/upload' },
    ...Object.fromEntries(
      CONSOLE_ACTIONS.map((action) => [
        action,
        { ...address, ...options.service, path: consolePath(action) },
      ]),
    ),
    ...options.services,
  };
  const actions = [...ACTION_SPECS.keys()].flatMap((name) => {
    const stages = options.actions && name in options.actions ? options.actions[name] : stagesOf(name);
    const complete = stages?.map((stage) => ({ service: 'test', method: `Test.${name}`, ...stage }));
    return complete ? [[name, { stages: complete }] as const] : [];
  });
  return {
    services: new Map(Object.entries(services).map(([name, part]) => [name, service(part)])),
    actions: new Map(actions),
    dbpath,
    server: options.server ?? {},
    events: options.events ?? {},
    guests: { list_addresses: false, ...options.guests },
    warnings: [],
    privateAddresses: [],
    quota: options.quota ?? {},
    schedules: options.schedules ?? {},
    catalogue: { sources: new Map(options.catalogue) },
    fleet: options.fleet ?? {},
  };
};

/** Runs an agent until the test ends. */
export const startTestAgent = async (
  t: ExecutionContext,
  options: TestAgentOptions = {},
): Promise<TestAgent> => {
  const dbpath = options.dbpath ?? (await tempDir(t));
  const scripted = await startScripted(t, options);
  const agent = await startAgent(
    testConfig(scripted.address, dbpath, options),
    options.log ?? silentLog,
    options.bootIdFile,
  );
  t.teardown(() => agent.stop());
  return { ...agent, dbpath, scripted };
};

/** Makes the event that a route passes to its handler. */
export const event = <Params, Query, Payload>(
  parts: Partial<Event<Params, Query, Payload>> = {},
): Event<Params, Query, Payload> => ({
  ...parts,
  params: parts.params as Params,
  query: (parts.query ?? {}) as Query,
  payload: parts.payload as Payload,
  signal: parts.signal ?? new AbortController().signal,
  principal: 'principal' in parts ? parts.principal : { name: 'test', grants: grantsOfScope('admin') },
});

/** Stores a guest without running a create. */
export const addGuest = async ({ guests }: Context, guest: LooseGuest = {}): Promise<Guest> => {
  const added = normalizeGuest({ state: 'running', ...guest, id: guest.id ?? randomUUID() });
  await guests.insert(added);
  return added;
};

/** Reads the id of the job, or of the pipeline run, that a handler's reply names. */
export const jobIdOf = ({ headers }: Reply): string => headers?.[JOB_ID_HEADER] ?? '';

/** Returns the error response that a rejected handler call leads to. */
export const rejection = async (t: ExecutionContext, call: Promise<unknown>): Promise<ErrorBody> =>
  errorBody(toBoom(await t.throwsAsync(call)), false);

/** Waits until a job has ended. */
export const finished = ({ jobs }: Context, id: string | undefined | null): Promise<Job> =>
  until(`job ${id} has ended`, () => {
    const job = jobs.get(id ?? '');
    return isFinished(job) ? job : undefined;
  });
