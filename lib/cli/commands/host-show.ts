import type { HostDetails, HostPart, HostProblem } from '../../client/index.js';
import { formatAge, formatMb } from '../../portable/format.js';
import type { Column } from '../columns.js';
import type { Output } from '../output.js';

const PARTS: readonly Column<HostPart>[] = [
  { title: 'PART', value: ({ name }) => name },
  { title: 'STATE', value: ({ up }) => (up ? 'up' : 'down'), state: true },
  { title: 'REASON', value: ({ reason }) => reason },
];

const PROBLEMS: readonly Column<HostProblem>[] = [
  { title: 'PART', value: ({ part }) => part },
  { title: 'PROBLEM', value: ({ message }) => message },
];

const freeText = (size: number, free: number): string => `${formatMb(free)} of ${formatMb(size)} free`;

const factsOf = (host: HostDetails): Record<string, string> => {
  const { name, booted, cpu, memory, guests, space, networks, programs } = host;
  const accelerator = programs.find((program) => program.accelerator)?.accelerator;
  return {
    host: name,
    booted: `${formatAge(booted)} (${booted})`,
    cpus: [String(cpu.count), cpu.model].filter(Boolean).join(' × '),
    load: cpu.load.join(', '),
    memory: freeText(memory.size, memory.available),
    guests: Object.entries(guests)
      .map(([state, many]) => `${many} ${state}`)
      .join(', '),
    'memory of guests': `${formatMb(memory.guests)} at most for those that are on`,
    ...(accelerator ? { virtualization: accelerator === 'kvm' ? 'KVM' : 'TCG, without KVM' } : {}),
    ...Object.fromEntries(space.map((each) => [each.name, freeText(each.size, each.free)])),
    ...(networks ? { networks: [...new Set(networks.map((network) => network.name))].join(', ') } : {}),
    versions: programs.map((program) => `${program.name} ${program.version}`).join(', '),
  };
};

/** Prints what is known of a host, and last what is wrong with it. */
export const showHost = async (out: Output, host: HostDetails): Promise<void> => {
  await out.one(factsOf(host));
  out.print('');
  await out.table(host.parts, PARTS);
  if (host.problems.length === 0) return out.note('nothing is wrong');
  out.print('');
  await out.table(host.problems, PROBLEMS);
};
