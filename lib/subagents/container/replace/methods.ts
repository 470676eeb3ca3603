import { defaultMemory } from '../../../model/container/memory.js';
import { type ContainerChange, requireChangedContainer } from '../../../model/container/spec-patch.js';
import { type Guest, normalizeGuest } from '../../../model/guest.js';
import {
  type GuestRequest,
  type GuestResponse,
  guestRequestSchema,
} from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { SubAgent } from '../../../rpc/server/sub-agent.js';
import { plan } from '../creation.js';
import type { Guests } from '../guests.js';
import type { Credentials } from '../images/credentials.js';
import type { PullOptions } from '../images/pull.js';
import { respondState } from '../making-methods.js';
import { changeLive, isLive } from './live.js';
import { replace } from './replace.js';
import { settleNow } from './settle.js';

interface Change {
  before: Guest;
  after: Guest;
  change: ContainerChange;
}

const changeOf = ({ guest, change = {} }: GuestRequest): Change => {
  const before = normalizeGuest(guest);
  return { before, after: requireChangedContainer(before, change), change };
};

/** What a response says of a guest that was changed; `null` where it has a key no more. */
const changed = (after: Guest): GuestResponse['guest'] => ({
  id: after.id,
  image: after.image ?? null,
  memory: after.memory ?? defaultMemory(after) ?? null,
  cpu: after.cpu ?? null,
  container: after.container ?? null,
});

const check = async (guests: Guests, request: GuestRequest): Promise<GuestResponse> => {
  const { before, after, change } = changeOf(request);
  const { state } = await guests.get(before.id);
  const program = await guests.engine.program();
  await plan(guests, after, before.container?.ports);
  const restarts = state === 'stopped' ? '' : ', and would restart';
  return {
    guest: changed(after),
    message: isLive(change, program)
      ? 'the container would change while it runs'
      : `the container would be made anew, with its volumes, addresses and name${restarts}`,
  };
};

const update = (guests: Guests, request: GuestRequest, options: PullOptions): Promise<GuestResponse> => {
  const { before, after, change } = changeOf(request);
  const { id } = before;
  return guests.exclusively(id, async () => {
    await settleNow(guests, id);
    if (guests.preemptions.has(id))
      throw new Refusal('conflict', `guest ${id} is being powered off or deleted`);
    const program = await guests.engine.program();
    if (isLive(change, program)) {
      await changeLive(guests, { before, after }, program);
      const { guest, ...rest } = await respondState(guests, id);
      return {
        ...rest,
        guest: { ...changed(after), ...guest },
        message: 'the container has changed while it runs',
      };
    }
    const notes = ['the container was made anew'];
    const made = await replace(guests, { before, after }, (words) => void notes.push(words), options);
    const { guest, ...rest } = await respondState(guests, id);
    const { imageMounts: _, ...container } = after.container ?? {};
    const spec = { ...container, ...(made.imageMounts.length > 0 ? { imageMounts: made.imageMounts } : {}) };
    notes.push(...made.volumes.map((name) => `volume ${name} was created`));
    return {
      ...rest,
      guest: { ...changed({ ...after, container: spec }), nics: made.definition.nics, ...guest },
      message: notes.join('; '),
    };
  });
};

/** Adds the methods that change a container. */
export const addChangeMethods = (subAgent: SubAgent, guests: Guests, credentials: Credentials): void => {
  subAgent.method('MDocker.CheckUpdate', guestRequestSchema, (request) => check(guests, request));
  subAgent.method('MDocker.Update', guestRequestSchema, (request, call) =>
    update(guests, request, { ...call, credentials }),
  );
};
