import type { ContainerMount } from '../../model/container/mounts.js';
import type { Volume } from '../../model/volume.js';
import { get } from './api.js';
import { h } from './dom.js';
import { checkbox, sizeIn, textInput } from './inputs.js';
import { type Rows, rowsOf } from './rows.js';

const TYPES: Record<ContainerMount['type'], string> = {
  volume: 'Volume',
  bind: 'Path of the host',
  tmpfs: 'Memory',
};

const SOURCES: Record<ContainerMount['type'], string> = {
  volume: 'Volume: shop-data',
  bind: 'Path: /srv/shop',
  tmpfs: '',
};

interface MountRow {
  inputs: HTMLElement[];
  read: () => ContainerMount;
}

/** Reads the names of the volumes for a list of suggestions. */
const suggestVolumes = async (list: HTMLElement): Promise<void> => {
  // The user can type a name without suggestions. A volume that does not exist is created with the container.
  const volumes = await get<Volume[]>('/volumes').catch(() => []);
  list.replaceChildren(...volumes.map(({ name }) => h('option', { value: name })));
};

const mountRow = (mount?: ContainerMount): MountRow => {
  const type = h(
    'select',
    { 'aria-label': 'Kind of mount' },
    ...Object.entries(TYPES).map(([value, text]) => h('option', { value }, text)),
  );
  type.value = mount?.type ?? 'volume';
  const source = textInput({ value: mount && mount.type !== 'tmpfs' ? mount.source : '' });
  const target = textInput({
    ...{ value: mount?.target ?? '', placeholder: 'In the container: /data', required: true },
    'aria-label': 'Path in the container',
  });
  const size = textInput({
    ...{ value: mount?.type === 'tmpfs' && mount.size ? String(mount.size) : '', placeholder: 'Size: 64M' },
    'aria-label': 'Most memory that it can hold',
  });
  const readOnly = checkbox(mount !== undefined && mount.type !== 'tmpfs' && mount.readOnly === true);
  const readOnlyLabel = h('label', { class: 'check' }, readOnly, 'Read-only');
  const typeOf = (): ContainerMount['type'] => type.value as ContainerMount['type'];
  const show = (): void => {
    const isMemory = typeOf() === 'tmpfs';
    source.hidden = isMemory;
    source.required = !isMemory;
    readOnlyLabel.hidden = isMemory;
    size.hidden = !isMemory;
    source.placeholder = SOURCES[typeOf()];
    source.ariaLabel = typeOf() === 'volume' ? 'Volume' : 'Path of the host';
    if (typeOf() === 'volume') source.setAttribute('list', 'volumes');
    else source.removeAttribute('list');
  };
  type.addEventListener('change', show);
  show();
  const modeOf = mount?.type === 'tmpfs' && mount.mode ? { mode: mount.mode } : {};
  const read = (): ContainerMount => {
    const kind = typeOf();
    const path = target.value.trim();
    if (kind !== 'tmpfs')
      return {
        ...{ type: kind, source: source.value.trim(), target: path },
        ...(readOnly.checked ? { readOnly: true } : {}),
      };
    const limit = sizeIn(size, 'mounts');
    return { type: kind, target: path, ...(limit === undefined ? {} : { size: limit }), ...modeOf };
  };
  return { inputs: [type, source, size, target, readOnlyLabel], read };
};

/** The rows for the mounts of a container. */
export const mountRows = (mounts: readonly ContainerMount[] = []): Rows<MountRow> => {
  const list = h('datalist', { id: 'volumes' });
  let isAsked = false;
  const createRow = (mount?: ContainerMount): MountRow => {
    // A host that has no container engine, and so no mounts, has no list either.
    if (!isAsked) void suggestVolumes(list);
    isAsked = true;
    return mountRow(mount);
  };
  const rows = rowsOf({ name: 'mount', createRow, values: mounts });
  rows.element.append(list);
  return rows;
};
