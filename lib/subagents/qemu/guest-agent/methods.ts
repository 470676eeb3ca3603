import Joi, { type Schema } from 'joi';
import { execRequestSchema } from '../../../model/exec.js';
import { filePieceSchema, passwordSchema, sshKeysSchema } from '../../../model/in-guest.js';
import {
  type InGuestResponse,
  inGuestRequestSchema,
  readFileRequestSchema,
} from '../../../rpc/protocol/in-guest-messages.js';
import type { SubAgent } from '../../../rpc/server/sub-agent.js';
import { type AddressSources, guestAddresses } from '../guests/addresses.js';
import type { Guests } from '../guests/guests.js';
import { addSshKeys, setPassword } from './accounts.js';
import { GuestAgents } from './agents.js';
import { exec } from './exec.js';
import { readFile, writeFile } from './files.js';
import { agentInfo } from './info.js';
import { setClock, trim } from './upkeep.js';

/** For a method that takes no body. */
const NO_BODY = Joi.any();

/** Adds the methods that act inside running guests, through their guest agents. */
export const addAgentMethods = (
  subAgent: SubAgent,
  guests: Guests,
  addresses: Omit<AddressSources, 'agents'>,
): void => {
  const agents = new GuestAgents(guests);

  const method = <Body, Result>(
    name: `Libvirt.${string}`,
    body: Schema<Body>,
    act: (agents: GuestAgents, id: string, body: Body, signal: AbortSignal) => Promise<Result>,
  ): void => {
    subAgent.method(
      name,
      inGuestRequestSchema(body),
      async (request, { signal }): Promise<InGuestResponse<Result>> => {
        const { id } = request.guest;
        return { guest: { id }, result: await act(agents, id, request.body as Body, signal) };
      },
    );
  };

  method('Libvirt.Addresses', NO_BODY, (all, id) => guestAddresses({ agents: all, ...addresses }, id));
  method('Libvirt.AgentInfo', NO_BODY, (all, id, _, signal) => agentInfo(all, id, signal));
  method('Libvirt.Exec', execRequestSchema.required(), exec);
  method('Libvirt.WriteFile', filePieceSchema.required(), writeFile);
  method('Libvirt.SetPassword', passwordSchema.required(), async (all, id, body, signal) => {
    await setPassword(all, id, body, signal);
    return {};
  });
  method('Libvirt.AddSSHKeys', sshKeysSchema.required(), async (all, id, body, signal) => {
    await addSshKeys(all, id, body, signal);
    return {};
  });
  method('Libvirt.Trim', NO_BODY, (all, id, _, signal) => trim(all, id, signal));
  method('Libvirt.SetClock', NO_BODY, (all, id, _, signal) => setClock(all, id, signal));
  subAgent.stream('/files', readFileRequestSchema, ({ guest, path }, { signal }) =>
    readFile(agents, guest, path, signal),
  );
};
