import { enumerate } from './enumerate.js';
import type { Guest } from './guest.js';
import type { Machine, MachineSpec } from './machine.js';

/** The hardware of a guest before or after an upgrade. */
export interface Hardware {
  cpuModel: string;
  machine: Pick<Machine, 'type' | 'layout' | 'next'>;
}

/** Whether a sub-agent has completed a machine, which a client may send in parts. */
const isTold = (machine: MachineSpec | undefined): machine is MachineSpec & Hardware['machine'] =>
  machine?.type !== undefined && machine.layout !== undefined;

/** Returns a guest's hardware; `undefined` when its sub-agent has not said. */
export const hardwareOf = ({
  cpuModel,
  machine,
}: Pick<Guest, 'cpuModel' | 'machine'>): Hardware | undefined =>
  cpuModel && isTold(machine) ? { cpuModel, machine } : undefined;

/** Says in words what an upgrade changes, and when, or that nothing changes. */
export const describeUpgrade = (before: Hardware, after: Hardware): string => {
  const { next } = after.machine;
  const target = next ?? { ...after.machine, cpuModel: after.cpuModel };
  const parts = [
    ['machine type', before.machine.type, target.type],
    ['layout', before.machine.layout, target.layout],
    ['CPU model', before.cpuModel, target.cpuModel],
  ] as const;
  const changes = parts.flatMap(([name, was, is]) => (is === was ? [] : [`${name} ${is} instead of ${was}`]));
  if (changes.length > 0)
    return `the guest gets ${enumerate(changes)}${next ? ' at its next start: shut it down and start it, or use reboot; restart is not enough' : ''}`;
  const kept = enumerate(parts.map(([name, , is]) => `${name} ${is}`));
  return before.machine.next
    ? `the change that waited for the next start is cancelled: the guest keeps ${kept}`
    : `nothing changes: the guest has ${kept} already`;
};
