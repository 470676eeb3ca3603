import { errorMessage } from '../../errors.js';
import type { HostDetails, HostPart, HostProblem, HostSpace } from '../../model/host-details.js';
import { isOn } from '../../model/intent.js';
import { MB } from '../../model/units.js';
import { queryNetworks } from '../../runtime/actions/network-actions.js';
import { queryStorageSpace } from '../../runtime/actions/storage-actions.js';
import type { ActionResult } from '../../runtime/runtime.js';
import type { Context } from '../context.js';
import { problemsOf } from './problems.js';
import { ownPrograms, readCpu, readIdentity, readMemory } from './readings.js';

/** How long a sub-agent gets to respond: the rest of the details do not wait for one that hangs. */
const RESPONSE_MS = 3000;

type Source = Pick<
  Context,
  'runtime' | 'host' | 'services' | 'problems' | 'downReasons' | 'stateRoom' | 'parts' | 'programs'
>;

/** What a sub-agent was asked for, or why it did not say. */
interface Asked<Result> {
  result?: Result;
  problems: HostProblem[];
}

const ask = async <Result>(
  part: string,
  query: (signal: AbortSignal) => Promise<ActionResult<Result>>,
): Promise<Asked<Result>> => {
  try {
    const { result } = await query(AbortSignal.timeout(RESPONSE_MS));
    return { result, problems: [] };
  } catch (error) {
    return { problems: [{ part, message: errorMessage(error) }] };
  }
};

const NOT_CONFIGURED: Asked<never> = { problems: [] };

const askForSpace = async ({ runtime }: Source): Promise<Asked<HostSpace>> => {
  if (!runtime.isConfigured('storageSpace')) return NOT_CONFIGURED;
  const name = 'images and disks';
  const { result, problems } = await ask(name, (signal) =>
    queryStorageSpace(runtime, { leftovers: false }, signal),
  );
  return { problems, ...(result ? { result: { name, size: result.size, free: result.free } } : {}) };
};

const partsOfHost = ({ parts, services, downReasons }: Source): HostPart[] => {
  const [up, reasons] = [services(), downReasons()];
  return parts.map(({ name, services: names }) => {
    const down = names.find((service) => up.get(service) !== true);
    const reason = down === undefined ? undefined : reasons.get(down);
    return { name, services: names, up: down === undefined, ...(reason === undefined ? {} : { reason }) };
  });
};

const countStates = (states: readonly (string | undefined)[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const state of states) counts[state || 'unknown'] = (counts[state || 'unknown'] ?? 0) + 1;
  return counts;
};

/** Describes the host: its load and room, what it works with, and what is wrong. */
export const describeHost = async (source: Source): Promise<HostDetails> => {
  const { runtime, host, problems, stateRoom, programs } = source;
  const networksConfigured = runtime.isConfigured('networks');
  const [memory, room, space, networks] = await Promise.all([
    readMemory(),
    stateRoom(),
    askForSpace(source),
    networksConfigured ? ask('networks', (signal) => queryNetworks(runtime, signal)) : NOT_CONFIGURED,
  ]);
  const guests = runtime.guests.list();
  const known = {
    ...host.status(),
    ...readIdentity(),
    cpu: readCpu(),
    memory: {
      ...memory,
      guests: guests.filter(isOn).reduce((sum, each) => sum + (each.memory ?? 0), 0),
    },
    guests: countStates(guests.map(({ state }) => state)),
    programs: [...ownPrograms(), ...programs()],
    parts: partsOfHost(source),
  };
  return {
    ...known,
    space: [
      ...(space.result ? [space.result] : []),
      {
        name: "the agent's state",
        size: Math.floor(room.sizeBytes / MB),
        free: Math.floor(room.freeBytes / MB),
      },
    ],
    ...(networks.result ? { networks: networks.result.networks } : {}),
    problems: [
      ...problemsOf(known, problems(), room),
      ...space.problems,
      ...networks.problems,
      ...(networks.result?.problems ?? []).map((message) => ({ part: 'networks', message })),
    ],
  };
};
