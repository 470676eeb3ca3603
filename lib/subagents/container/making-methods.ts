import { type Guest, normalizeGuest } from '../../model/guest.js';
import {
  type GuestRequest,
  type GuestResponse,
  guestRequestSchema,
} from '../../rpc/protocol/guest-messages.js';
import type { SubAgent } from '../../rpc/server/sub-agent.js';
import { create as createContainer, plan } from './creation.js';
import type { Definition } from './definition.js';
import type { Guests } from './guests.js';
import type { Credentials } from './images/credentials.js';
import { findImage, type PullOptions } from './images/pull.js';

/** Asks the engine for the state of a guest. */
export const respondState = async (guests: Guests, id: string): Promise<GuestResponse> => {
  const { state, reason, program, revision } = await guests.state(id);
  const why = reason ? { reason } : {};
  return { guest: { id, state, ...why, ...(program ? { program } : {}) }, revision };
};

const filledIn = ({ memory, nics }: Definition): Pick<Guest, 'memory' | 'nics'> => ({
  ...(memory === undefined ? {} : { memory }),
  nics,
});

const checkGuest = async (guests: Guests, { guest }: GuestRequest): Promise<GuestResponse> => {
  const { definition, missing } = await plan(guests, normalizeGuest(guest));
  const { image } = definition;
  const isHere = (await findImage(guests.engine, image)) !== undefined;
  const notes = [
    ...(isHere ? [] : [`image ${image} is not on this host and would be pulled`]),
    ...missing.map((name) => `volume ${name} does not exist and would be created`),
  ];
  return {
    guest: { id: guest.id, ...filledIn(definition) },
    ...(notes.length > 0 ? { message: notes.join('; ') } : {}),
  };
};

const create = async (
  guests: Guests,
  request: GuestRequest,
  options: PullOptions,
): Promise<GuestResponse> => {
  const made = await createContainer(guests, normalizeGuest(request.guest), options);
  const { guest, revision } = await respondState(guests, request.guest.id);
  const { imageMounts, volumes } = made;
  return {
    guest: {
      ...filledIn(made.definition),
      ...(imageMounts.length > 0 ? { container: { ...request.guest.container, imageMounts } } : {}),
      ...guest,
    },
    ...(revision === undefined ? {} : { revision }),
    ...(volumes.length > 0
      ? { message: volumes.map((name) => `volume ${name} was created`).join('; ') }
      : {}),
  };
};

/** Adds the methods that make containers. */
export const addMakingMethods = (subAgent: SubAgent, guests: Guests, credentials: Credentials): void => {
  subAgent.method('MDocker.CheckContainer', guestRequestSchema, (request) => checkGuest(guests, request));
  subAgent.method('MDocker.CreateContainer', guestRequestSchema, (request, call) =>
    create(guests, request, { ...call, credentials }),
  );
};
