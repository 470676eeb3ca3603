import { guestSpec } from '../../client/guest-spec.js';
import type { Guest } from '../../model/guest.js';
import { mbOf, SIZE_HINT } from '../../portable/size.js';
import { ApiError, submit } from './api.js';
import { field, formDialog, group } from './dialogs.js';
import { h } from './dom.js';
import { imageField } from './image-field.js';
import { follow } from './jobs.js';
import { go } from './router.js';

type Input = HTMLInputElement;

const text = (attributes: Record<string, string | boolean> = {}): Input =>
  h('input', { autocomplete: 'off', spellcheck: 'false', ...attributes });

/** @throws {Error} that says which field it is about, as the agent's own messages do */
const sizeIn = (input: Input, key: string): number | undefined => {
  if (input.value.trim() === '') return undefined;
  const size = mbOf(input.value.trim());
  if (size === undefined) throw new Error(`"${key}": ${SIZE_HINT}`);
  return size;
};

/** Rows that can be added and taken away. */
const rowsOf = (name: string, row: () => Input[]): { element: HTMLElement; rows: () => Input[][] } => {
  const rows: Input[][] = [];
  const list = h('div');
  const add = (): void => {
    const inputs = row();
    rows.push(inputs);
    const line = h(
      'div',
      { class: 'row' },
      ...inputs,
      h(
        'button',
        {
          type: 'button',
          class: 'quiet',
          'aria-label': `Remove this ${name}`,
          onclick: () => {
            rows.splice(rows.indexOf(inputs), 1);
            line.remove();
          },
        },
        '×',
      ),
    );
    list.append(line);
    inputs[0]?.focus();
  };
  const button = h('button', { type: 'button', class: 'small', onclick: add }, `Add a ${name}`);
  return { element: h('div', { class: 'rows' }, list, button), rows: () => rows };
};

/** Whether the agent has not found the image: there is nothing else to be found then but the action itself. */
const isAboutImage = (error: unknown, image: string | undefined): boolean =>
  error instanceof ApiError && error.status === 404 && image !== undefined && error.message.includes(image);

/** Marks the fields that a message of the agent is about: it has their names in quotation marks. */
const mark = (message: string, fields: ReadonlyMap<string, HTMLElement>): void => {
  const named = new Set([...message.matchAll(/"(\w+)/g)].map(([, key]) => key));
  for (const [name, element] of fields) element.setAttribute('aria-invalid', String(named.has(name)));
  const first = [...fields].find(([name]) => named.has(name));
  first?.[1].focus();
};

export const openCreate = (): void => {
  const name = text({ autofocus: true, placeholder: 'web-1' });
  const type = h(
    'select',
    {},
    h('option', { value: 'kvm' }, 'Virtual machine'),
    h('option', { value: 'container' }, 'Container'),
  );
  const size = text({ value: '10G', size: '8', required: true });
  const sizePart = field('Size of its disk', size, 'MB, or such as 10G');
  const image = imageField((isEmpty) => {
    sizePart.hidden = !isEmpty;
    size.disabled = !isEmpty;
  });
  const memory = text({ value: '512', size: '8' });
  const cpu = text({ type: 'number', min: '1', value: '1' });
  const disks = rowsOf('disk', () => [text({ placeholder: 'Size: 10G', 'aria-label': 'Size of the disk' })]);
  const nics = rowsOf('network card', () => [
    text({ placeholder: 'Bridge: br0', 'aria-label': 'Bridge, or user', value: 'user' }),
    text({ placeholder: 'VLANs: 10, 20', 'aria-label': 'VLAN ids, between commas' }),
    text({ placeholder: 'MAC', 'aria-label': 'MAC address' }),
  ]);
  const disksPart = group(
    'Disks',
    disks.element,
    'The first is cloned from the image; without any it is as large as the image',
  );
  type.addEventListener('change', () => {
    image.show(type.value);
    disksPart.hidden = type.value === 'container';
  });
  const fields = (): Map<string, HTMLElement> =>
    new Map<string, HTMLElement>([
      ['metadata', name],
      ['type', type],
      ['image', image.input()],
      ['disks', size],
      ['memory', memory],
      ['cpu', cpu],
    ]);
  const specified = () => {
    const [wanted, memorySize] = [image.value(), sizeIn(memory, 'memory')];
    const sizes = [...(size.disabled ? [] : [size]), ...disks.rows().flat()].flatMap(
      (input, index) => sizeIn(input, `disks[${index}].size`) ?? [],
    );
    const cards = nics.rows().flatMap(([bridge, vlans, mac]) => {
      const network = bridge?.value.trim();
      if (!network) return [];
      return {
        network,
        model: 'virtio',
        ...(vlans?.value.trim() ? { vlans: vlans.value.split(',').map(Number) } : {}),
        ...(mac?.value.trim() ? { mac: mac.value.trim() } : {}),
      };
    });
    return guestSpec({
      ...(name.value.trim() ? { name: name.value.trim() } : {}),
      container: type.value === 'container',
      ...(wanted ? { image: wanted } : {}),
      ...(memorySize === undefined ? {} : { memory: memorySize }),
      ...(cpu.value === '' ? {} : { cpu: Number(cpu.value) }),
      ...(sizes.length > 0 ? { disk: sizes } : {}),
      ...(cards.length > 0 ? { nic: cards } : {}),
    });
  };
  void formDialog({
    title: 'New guest',
    action: 'Create',
    content: [
      field('Name', name),
      field('Kind', type),
      ...image.elements,
      sizePart,
      h('div', { class: 'two' }, field('Memory', memory, 'MB, or such as 2G'), field('vCPUs', cpu)),
      disksPart,
      group('Network', nics.element, 'A bridge of this host, or user for a network of its own'),
    ],
    submit: async () => {
      const { jobId, body } = await submit<Guest>('POST', '/guests', specified()).catch((error: unknown) => {
        throw isAboutImage(error, image.value())
          ? new Error('This image is not on the host: fetch it under Images.')
          : error;
      });
      const called = body.metadata?.name || body.id;
      follow(jobId, { title: `Create ${called}`, done: `${called} is created.` });
      go('guests', body.id);
    },
    onError: (message) => mark(message, fields()),
  });
};
