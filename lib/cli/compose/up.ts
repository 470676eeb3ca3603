import { setTimeout as delay } from 'node:timers/promises';
import type { Guest, GuestPatch, GuestSpec } from '../../client/index.js';
import { EXIT } from '../exit-codes.js';
import { Failure, notFoundFailure } from '../failure.js';
import { followJob } from '../follow.js';
import type { Session } from '../session.js';
import { changeTo } from './change.js';
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
type Step = { service: PodService } & (
  | { change: 'create' }
  | { change: 'recreate' | 'start' | 'none'; guest: Guest }
  | { change: 'update'; guest: Guest; patch: GuestPatch }
);

const bodyOf = ({ name, spec }: PodService, project: string): GuestSpec => ({
  ...spec,
  metadata: {
    name: `${project}-${name}`,
    ...spec.metadata,
    [PROJECT_KEY]: project,
    [SERVICE_KEY]: name,
  },
});

/** The states of a guest without a container, which cannot be changed. */
const LOST: ReadonlySet<string | undefined> = new Set(['error', 'deleted']);

const stepOf = (service: PodService, project: string, guest: Guest | undefined): Step => {
  if (!guest) return { service, change: 'create' };
  if (LOST.has(guest.state)) return { service, change: 'recreate', guest };
  const body = bodyOf(service, project);
  if (matches(guest.metadata?.[FINGERPRINT_KEY], body))
    return { service, change: guest.state === 'running' ? 'none' : 'start', guest };
  const patch = changeTo(guest, body);
  return patch ? { service, change: 'update', guest, patch } : { service, change: 'recreate', guest };
};

/** Leaves out what the guest that is to be replaced has until it goes: its name and its ports. */
const withoutClaims = ({ metadata = {}, container = {}, ...body }: GuestSpec): GuestSpec => {
  const { name: _name, ...others } = metadata;
  const { ports: _ports, ...rest } = container;
  return { ...body, metadata: others, container: rest };
};

/** Checks a step without making anything. */
const rehearse = async ({ client }: Session, step: Step, project: string): Promise<void> => {
  const body = bodyOf(step.service, project);
  if (step.change === 'create') await client.guests.create(body, { dryRun: true });
  if (step.change === 'recreate') await client.guests.create(withoutClaims(body), { dryRun: true });
  if (step.change === 'update') await client.guests.update(step.guest.id, step.patch, { dryRun: true });
};

const metadataFor = (body: GuestSpec): Record<string, string> => ({
  ...body.metadata,
  [FINGERPRINT_KEY]: fingerprint(body),
});

/** @param id the id of a guest that is made again: with it, it finds the volumes that its image wants */
const make = async (session: Session, body: GuestSpec, title: string, id?: string): Promise<void> => {
  const { jobId } = await session.client.guests.create({
    ...body,
    ...(id === undefined ? {} : { id }),
    metadata: metadataFor(body),
  });
  await followJob(session, jobId, `create ${title}`);
};

const start = async (session: Session, { id }: Guest, title: string): Promise<void> => {
  const { jobId } = await session.client.guests.perform(id, 'start');
  await followJob(session, jobId, `start ${title}`);
};

/** Changes a guest in one action, which leaves it as it was when it fails, and starts it if it was off. */
const update = async (
  session: Session,
  { guest, patch }: Extract<Step, { change: 'update' }>,
  body: GuestSpec,
  title: string,
): Promise<void> => {
  const { client } = session;
  if (Object.keys(patch).length > 0) {
    const { jobId } = await client.guests.update(guest.id, patch);
    await followJob(session, jobId, `change ${title}`);
  }
  await client.metadataOf(guest.id).patch(metadataFor(body));
  if (guest.state !== 'running') await start(session, guest, title);
};

const DONE: Record<Step['change'], string> = {
  create: 'created',
  recreate: 'created again',
  update: 'changed',
  start: 'started',
  none: 'up to date',
};

const perform = async (session: Session, step: Step, project: string): Promise<void> => {
  const { change, service } = step;
  const title = `${project}-${service.name}`;
  const body = bodyOf(service, project);
  if (change === 'create') await make(session, body, title);
  if (change === 'recreate') {
    await removeGuest(session, step.guest, title);
    await make(session, body, title, step.guest.id);
  }
  if (change === 'update') await update(session, step, body, title);
  if (change === 'start') await start(session, step.guest, title);
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
 * whose service has changed is changed, or made again when its networks differ. Everything is checked before anything is
 * made.
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
