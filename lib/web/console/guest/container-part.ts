import { containerSpec } from '../../../client/container-spec.js';
import type { ContainerSpec } from '../../../model/container/spec.js';
import type { Guest } from '../../../model/guest.js';
import type { GuestPatch } from '../../../model/guest-patch.js';
import { mergePatch } from '../../../portable/merge-patch.js';
import { containerFields, FIELD_KEYS } from '../container-fields.js';
import { field, group } from '../dialogs.js';
import { h } from '../dom.js';
import { checkbox, sizeIn, textInput } from '../inputs.js';

const HIDDEN = 'container.secretEnv.';

/** Returns what a container has of the keys that have a field. */
const shownOf = (spec: ContainerSpec): ContainerSpec =>
  Object.fromEntries(FIELD_KEYS.flatMap((key) => (spec[key] === undefined ? [] : [[key, spec[key]]])));

/** The boxes that keep the secret variables, which no client can read; nothing without any. */
const secretBoxes = ({ hidden = [] }: Guest) => {
  const names = hidden.filter((key) => key.startsWith(HIDDEN)).map((key) => key.slice(HIDDEN.length));
  const boxes = names.map((name) => ({ name, box: checkbox(true) }));
  const labels = boxes.map(({ name, box }) => h('label', { class: 'check' }, box, `Keep ${name}`));
  return {
    element: names.length > 0 && group('Secret variables', h('div', {}, ...labels)),
    removed: (): Record<string, null> =>
      Object.fromEntries(boxes.filter(({ box }) => !box.checked).map(({ name }) => [name, null])),
  };
};

/** The fields of a container's image, size and program, and what the user changes there. */
export const containerPart = (guest: Guest) => {
  const spec = guest.container ?? {};
  const image = textInput({ value: guest.image ?? '' });
  const memory = textInput({ value: String(guest.memory ?? ''), size: '8' });
  const cpu = textInput({ type: 'number', min: '0.01', step: 'any', value: String(guest.cpu ?? '') });
  const fields = containerFields(spec);
  const secrets = secretBoxes(guest);
  const sizes = (): GuestPatch => ({
    memory: sizeIn(memory, 'memory') ?? null,
    cpu: cpu.value.trim() === '' ? null : Number(cpu.value),
    image: image.value.trim(),
  });
  const change = (): Record<string, unknown> => {
    const patch = mergePatch(shownOf(spec), shownOf(containerSpec(fields.options()).container ?? {}));
    const secretEnv = { ...secrets.removed(), ...(patch.secretEnv ?? {}) };
    return { ...patch, ...(Object.keys(secretEnv).length > 0 ? { secretEnv } : {}) };
  };
  return {
    inputs: { image, memory, cpu, ...Object.fromEntries(fields.inputs) },
    before: { memory: guest.memory ?? null, cpu: guest.cpu ?? null, image: guest.image ?? '' },
    read: sizes,
    patch: (): GuestPatch => {
      const container = change();
      return Object.keys(container).length > 0 ? { container } : {};
    },
    elements: [
      h(
        'p',
        { class: 'note' },
        'A change of what follows makes the container anew, unless its engine can change it while it runs. It keeps its volumes, addresses and name; what its program wrote elsewhere is lost.',
      ),
      field('Image', image),
      h(
        'div',
        { class: 'two' },
        field('Memory', memory, 'In MB, or with a unit: 2G'),
        field('vCPUs', cpu, 'It may be a part of one: 0.5'),
      ),
      fields.element,
      ...(secrets.element ? [secrets.element] : []),
    ],
  };
};
