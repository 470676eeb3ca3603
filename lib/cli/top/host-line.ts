import type { HostDetails } from '../../client/index.js';
import { counted } from '../../model/units.js';
import { formatMb } from '../../portable/format.js';

const freeText = (free: number, size: number): string => `${formatMb(free)} of ${formatMb(size)} free`;

/** Describes the load and the room of a host on one line. */
export const hostLine = ({
  name,
  cpu,
  memory,
  space,
  problems,
}: Pick<HostDetails, 'name' | 'cpu' | 'memory' | 'space' | 'problems'>): string =>
  [
    `${name}: load ${cpu.load.join(' ')} on ${counted(cpu.count, 'CPU')}`,
    `memory ${freeText(memory.available, memory.size)}`,
    ...space.map((each) => `${each.name} ${freeText(each.free, each.size)}`),
    ...(problems.length > 0 ? [`${counted(problems.length, 'problem')}: see mistify host`] : []),
  ].join(', ');
