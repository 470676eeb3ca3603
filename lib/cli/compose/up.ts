import { setTimeout as delay } from 'node:timers/promises';
import type { Guest, GuestSpec } from '../../client/index.js';
import { EXIT } from '../exit-codes.js';
import { Failure, notFoundFailure } from '../failure.js';
import { followJob } from '../follow.js';
import type { Session } from '../session.js';
import { guestsOf, removeGuest } from './existing.js';
import { fingerprint, matches } from './fingerprint.js';
import {
  FINGERPRINT_KEY,
  type Pod,
  type PodService,
  PROJECT_KEY,
  PROJECT_LABEL,
  SERVICE_KEY,
} from './pod.js';

const POLL_MS = 1000;

/** What is to be done for one service. */
interface Step {
  service: PodService;
  change: 'create' | 'recreate' | 'start' | 'none';
  /** The guest that there is. */
  guest: Guest | undefined;
}

const bodyOf = ({ name, spec }: PodService, project: string): GuestSpec => ({
  ...spec,
  metadata: {
    name: `${project}-${name}`,
    ...spec.metadata,
    [PROJECT_KEY]: project,
    [SERVICE_KEY]: name,
  },
});

const stepOf = (service: PodService, project: string, guest: Guest | undefined): Step => {
  if (!guest) return { service, change: 'create', guest };
  const isSame = matches(guest.metadata?.[FINGERPRINT_KEY], bodyOf(service, project));
  if (!isSame || guest.state === 'error') return { service, change: 'recreate', guest };
  return { service, change: guest.state === 'running' ? 'none' : 'start', guest };
};

/** Leaves out what the guest that is to be replaced has until it goes: its name and its ports. */
const withoutClaims = ({ metadata = {}, container = {}, ...body }: GuestSpec): GuestSpec => {
  const { name: _name, ...others } = metadata;
  const { ports: _ports, ...rest } = container;
  return { ...body, metadata: others, container: rest };
};

/** Checks a create without making anything. */
const rehearse = async ({ client }: Session, { service, change }: Step, project: string): Promise<void> => {
  if (change !== 'create' && change !== 'recreate') return;
  const body = bodyOf(service, project);
  if (change === 'create') await client.guests.create(body, { dryRun: true });
  else await client.guests.create(withoutClaims(body), { dryRun: true });
};

const make = async (
  session: Session,
  { service, guest }: Step,
  project: string,
  title: string,
): Promise<void> => {
  const body = bodyOf(service, project);
  const metadata = { ...body.metadata, [FINGERPRINT_KEY]: fingerprint(body) };
  // With its id, a container that is made again finds the volumes that its image wants.
  const { jobId } = await session.client.guests.create({
    ...body,
    ...(guest ? { id: guest.id } : {}),
    metadata,
  });
  await followJob(session, jobId, `create ${title}`);
};

const DONE: Record<Step['change'], string> = {
  create: 'created',
  recreate: 'created again',
  start: 'started',
  none: 'up to date',
};

const perform = async (session: Session, step: Step, project: string): Promise<void> => {
  const { change, guest, service } = step;
  const title = `${project}-${service.name}`;
  if (change === 'recreate' && guest) await removeGuest(session, guest, title);
  if (change === 'create' || change === 'recreate') await make(session, step, project, title);
  if (change === 'start' && guest) {
    const { jobId } = await session.client.guests.perform(guest.id, 'start');
    await followJob(session, jobId, `start ${title}`);
  }
  session.out.line(`${service.name}: ${DONE[change]}`);
};

/** Waits until a service is healthy; its health check says when to give up. */
const waitHealthy = async ({ client }: Session, project: string, service: string): Promise<void> => {
  for (;;) {
    const guest = (await guestsOf(client, project)).get(service);
    const { health } = guest?.program ?? {};
    if (health === 'healthy') return;
    const why = health ?? `${guest?.state ?? 'gone'} and has no health check that runs`;
    if (health !== 'starting')
      throw new Failure(EXIT.failed, `service ${service} is ${why}: what needs it was not started`);
    await delay(POLL_MS);
  }
};

const makeVolumes = async (session: Session, { project, volumes }: Pod, isDryRun: boolean): Promise<void> => {
  const { client, out } = session;
  const present = new Set((await client.volumes.list({ fields: ['name'] })).items.map(({ name }) => name));
  const missing = volumes.filter(({ name }) => !present.has(name));
  const lost = missing.filter(({ external }) => external).map(({ name }) => name);
  if (lost.length > 0)
    throw notFoundFailure(
      `volumes that the file calls external do not exist: ${lost.join(', ')}`,
      'To create one: mistify volume create',
    );
  for (const { name, labels } of missing) {
    const volume = { name, labels: { ...labels, [PROJECT_LABEL]: project } };
    const { jobId } = await client.volumes.create(volume, { dryRun: isDryRun });
    if (!isDryRun) await followJob(session, jobId, `create volume ${name}`);
    if (!isDryRun) out.line(`volume ${name}: created`);
  }
};

/**
 * Makes what a pod file describes, as far as it is not there: volumes, then guests in the order of their needs. A guest
 * whose service has changed is made again. Everything is checked before anything is made.
 */
export const up = async (
  session: Session,
  pod: Pod,
  { dryRun = false }: { dryRun?: boolean },
): Promise<void> => {
  const { project, services } = pod;
  const { client, out } = session;
  const guests = await guestsOf(client, project);
  const steps = services.map((service) => stepOf(service, project, guests.get(service.name)));
  await makeVolumes(session, pod, true);
  for (const step of steps) await rehearse(session, step, project);
  if (dryRun) {
    for (const { service, change } of steps) out.line(`${service.name}: would be ${DONE[change]}`);
    return;
  }
  await makeVolumes(session, pod, false);
  for (const step of steps) {
    for (const { service, healthy } of step.service.needs)
      if (healthy && step.change !== 'none') await waitHealthy(session, project, service);
    await perform(session, step, project);
  }
  const left = [...guests.keys()].filter((name) => !services.some((service) => service.name === name));
  if (left.length > 0) out.note(`the file no longer has these services, which stay: ${left.join(', ')}`);
};
