import { guestSpec } from '../../client/guest-spec.js';
import type { Guest } from '../../model/guest.js';
import type { Image } from '../../model/image.js';
import { mbOf, SIZE_HINT } from '../../model/size.js';
import { get, submit } from './api.js';
import { field, formDialog, group } from './dialogs.js';
import { h } from './dom.js';
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

const imageField = (): { input: Input; list: HTMLDataListElement; show: (type: string) => void } => {
  const list = h('datalist', { id: 'images' });
  const input = text({ list: 'images', placeholder: 'none: a blank disk' });
  let images: Image[] = [];
  const show = (type: string): void => {
    const isContainer = type === 'container';
    const fitting = images.filter((image) => (image.type === 'container') === isContainer);
    list.replaceChildren(...fitting.map(({ id }) => h('option', { value: id })));
    input.placeholder = isContainer ? 'docker.io/library/busybox:1' : 'none: a blank disk';
  };
  void get<Image[]>('/images').then(
    (all) => {
      images = all;
      show('kvm');
    },
    // Its id can be typed as well.
    () => {},
  );
  return { input, list, show };
};

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
  const image = imageField();
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
  const fields = new Map<string, HTMLElement>([
    ['metadata', name],
    ['type', type],
    ['image', image.input],
    ['memory', memory],
    ['cpu', cpu],
  ]);
  const specified = () => {
    const [wanted, size] = [image.input.value.trim(), sizeIn(memory, 'memory')];
    const sizes = disks
      .rows()
      .flatMap(([input], index) => (input && sizeIn(input, `disks[${index}].size`)) ?? []);
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
      ...(size === undefined ? {} : { memory: size }),
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
      field('Image', image.input),
      image.list,
      h('div', { class: 'two' }, field('Memory', memory, 'MB, or such as 2G'), field('vCPUs', cpu)),
      disksPart,
      group('Network', nics.element, 'A bridge of this host, or user for a network of its own'),
    ],
    submit: async () => {
      const { jobId, body } = await submit<Guest>('POST', '/guests', specified());
      follow(jobId, `Create ${body.metadata?.name || body.id}`);
      go('guests', body.id);
    },
    onError: (message) => mark(message, fields),
  });
};
