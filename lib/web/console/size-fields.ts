import { formatMb } from '../../portable/format.js';
import { sizeText } from '../../portable/size.js';
import { cards } from './cards.js';
import { field } from './dialogs.js';
import { h } from './dom.js';
import { type Input, sizeIn, textInput } from './inputs.js';
import { count } from './words.js';

/** A size that fits many guests. */
interface Flavor {
  title: string;
  cpu: number;
  /** MB. */
  memory: number;
  /** MB; of virtual machines. */
  disk: number;
}

const GB = 1024;

const MACHINES: readonly Flavor[] = [
  { title: 'Small', cpu: 1, memory: GB, disk: 10 * GB },
  { title: 'Medium', cpu: 2, memory: 4 * GB, disk: 40 * GB },
  { title: 'Large', cpu: 4, memory: 8 * GB, disk: 80 * GB },
];

const CONTAINERS: readonly Flavor[] = [
  { title: 'Small', cpu: 0.5, memory: 256, disk: 0 },
  { title: 'Medium', cpu: 1, memory: GB, disk: 0 },
  { title: 'Large', cpu: 2, memory: 4 * GB, disk: 0 },
];

const OWN = 'Own';

const noteOf = ({ cpu, memory, disk }: Flavor): string =>
  [count(cpu, 'vCPU'), formatMb(memory), ...(disk > 0 ? [`${formatMb(disk)} disk`] : [])].join(', ');

/** The fields of a new guest's memory and vCPUs, and sizes to choose from. */
export interface SizeFields {
  element: HTMLElement;
  memory: Input;
  cpu: Input;
  /** Offers the sizes for guests of that type. */
  show: (type: string) => void;
  /** @throws {Error} that quotes the key, as the agent's messages do */
  read: () => { memory?: number; cpu?: number };
}

/** @param onDisk called with the size of the first disk, in MB, when the user chooses a size that has one */
export const sizeFields = (onDisk: (mb: number) => void): SizeFields => {
  const memory = textInput({ value: '512', size: '8' });
  const cpu = textInput({ type: 'number', min: '1', value: '1' });
  let flavors = MACHINES;
  const apply = (): void => {
    const chosen = flavors.find(({ title }) => title === choice.value());
    if (!chosen) return;
    memory.value = sizeText(chosen.memory);
    cpu.value = String(chosen.cpu);
    if (chosen.disk > 0) onDisk(chosen.disk);
  };
  const choice = cards('Size', 'size', apply);
  const offer = (): void => {
    choice.offer([
      ...flavors.map((flavor) => ({ value: flavor.title, title: flavor.title, note: noteOf(flavor) })),
      { value: OWN, title: OWN, note: 'As below' },
    ]);
    if (choice.value() === '') choice.choose(OWN);
  };
  offer();
  for (const input of [memory, cpu]) input.addEventListener('input', () => choice.choose(OWN));
  return {
    element: h(
      'div',
      { class: 'fields' },
      choice.element,
      h('div', { class: 'two' }, field('Memory', memory, 'In MB, or with a unit: 2G'), field('vCPUs', cpu)),
    ),
    memory,
    cpu,
    show: (type) => {
      const isContainer = type === 'container';
      flavors = isContainer ? CONTAINERS : MACHINES;
      cpu.step = isContainer ? 'any' : '1';
      cpu.min = isContainer ? '0.01' : '1';
      offer();
      apply();
    },
    read: () => {
      const size = sizeIn(memory, 'memory');
      return {
        ...(size === undefined ? {} : { memory: size }),
        ...(cpu.value === '' ? {} : { cpu: Number(cpu.value) }),
      };
    },
  };
};
