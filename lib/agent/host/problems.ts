import { describeShortage, type Room } from '../../files/room.js';
import type { HostDetails, HostProblem } from '../../model/host-details.js';
import { counted } from '../../model/units.js';

/** Less than a twentieth of the memory, but not of more than 20 GB, is a warning. */
const LOW_DIVISOR = 20;
const MAX_LOW_MB = 1024;

/** The states of guests that need a person. */
const BAD_STATES = [
  ['error', 'could not be created'],
  ['crashed', 'crashed'],
  ['blocked', 'wait for their disks'],
] as const;

type Known = Pick<HostDetails, 'parts' | 'programs' | 'memory' | 'guests' | 'waiting'>;

const ofParts = ({ parts }: Known, open: ReadonlyMap<string, readonly string[]>): HostProblem[] =>
  parts.flatMap(({ name, services, up, reason }) => {
    const messages = services.flatMap((service) => open.get(service) ?? []);
    if (!up)
      messages.unshift(
        `the sub-agent does not respond${reason === undefined ? '' : `: ${reason}`}; the agent tries again by itself, and its log says more`,
      );
    return messages.map((message) => ({ part: name, message }));
  });

const ofQemu = ({ programs }: Known): HostProblem[] =>
  programs.some(({ accelerator }) => accelerator === 'tcg')
    ? [
        {
          part: 'virtual machines',
          message:
            'QEMU runs without KVM, which makes virtual machines many times slower: switch virtualization on in the firmware of the host, and load the kernel module kvm_intel or kvm_amd',
        },
      ]
    : [];

const ofMemory = ({ memory: { size, available } }: Known): HostProblem[] =>
  available < Math.min(MAX_LOW_MB, size / LOW_DIVISOR)
    ? [
        {
          part: 'memory',
          message: `only ${available} of ${size} MB are available: turn guests off, or give them less`,
        },
      ]
    : [];

const ofGuests = ({ guests, waiting }: Known): HostProblem[] => [
  ...BAD_STATES.flatMap(([state, words]) => {
    const many = guests[state] ?? 0;
    if (many === 0) return [];
    const where = many === 1 ? 'its page and its jobs say' : 'their pages and their jobs say';
    return [{ part: 'guests', message: `${counted(many, 'guest')} ${words}: ${where} why` }];
  }),
  ...waiting.flatMap(({ id, name, problem }) =>
    problem === undefined ? [] : [{ part: 'guests', message: `${name ?? id}: ${problem}` }],
  ),
];

/**
 * Lists what is wrong with a host, and what to do about it.
 * @param open what the sub-agents could not do and retry, by the name of a service
 */
export const problemsOf = (
  known: Known,
  open: ReadonlyMap<string, readonly string[]>,
  stateRoom: Room,
): HostProblem[] => {
  const shortage = describeShortage("the disk of the agent's state", stateRoom);
  return [
    ...ofParts(known, open),
    ...(shortage === undefined ? [] : [{ part: 'agent', message: shortage }]),
    ...ofQemu(known),
    ...ofMemory(known),
    ...ofGuests(known),
  ];
};
