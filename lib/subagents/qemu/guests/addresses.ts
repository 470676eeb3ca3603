import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import { type GuestAddress, sortAddresses } from '../../../model/guest-addresses.js';
import { staticAddresses } from '../../../model/static-addresses.js';
import { leasedAddresses, neighbourAddresses } from '../../shared/network/known-addresses.js';
import type { GuestAgents } from '../guest-agent/agents.js';
import { agentAddresses } from '../guest-agent/info.js';

/** A guest agent that takes longer leaves its addresses out. */
const AGENT_WAIT_MS = 3000;

export interface AddressSources {
  agents: GuestAgents;
  /** The lease files of dnsmasq. */
  leaseFiles: readonly string[];
  log: Logger;
}

const fromAgent = async (agents: GuestAgents, id: string): Promise<GuestAddress[]> => {
  const { nics } = agents.guests.get(id).record.definition;
  const timeout = AbortSignal.timeout(AGENT_WAIT_MS);
  const late = new Promise<undefined>((resolve) =>
    timeout.addEventListener('abort', () => resolve(undefined)),
  );
  const found = await Promise.race([agentAddresses(agents, id, timeout), late]);
  return (found ?? []).map(({ nic, mac, address }) => {
    const name = nic === undefined ? undefined : nics[nic]?.name;
    return { address, ...(name ? { nic: name } : {}), ...(mac ? { mac } : {}), source: 'guest agent' };
  });
};

/** Lists the addresses of a guest, from all sources that know some. A source that fails hides no other. */
export const guestAddresses = async (
  { agents, leaseFiles, log }: AddressSources,
  id: string,
): Promise<GuestAddress[]> => {
  const entry = agents.guests.get(id);
  const { nics } = entry.record.definition;
  const orNone = (what: string, found: Promise<GuestAddress[]>): Promise<GuestAddress[]> =>
    found.catch((error: unknown) => {
      log.debug({ guest: id }, `${what} not read: ${errorMessage(error)}`);
      return [];
    });
  if (!entry.watch) return staticAddresses(nics);
  const found = await Promise.all([
    // Most guests have no agent.
    orNone('addresses of the guest agent', fromAgent(agents, id)),
    orNone('leases', leasedAddresses(nics, leaseFiles)),
    orNone('neighbours', neighbourAddresses(nics)),
  ]);
  return sortAddresses([...found.flat(), ...staticAddresses(nics)]);
};
