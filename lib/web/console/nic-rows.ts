import type { HostNetwork, HostNetworks } from '../../model/host-networks.js';
import { definedIn } from '../../portable/defined-in.js';
import { get } from './api.js';
import { h } from './dom.js';
import { textIn, textInput } from './inputs.js';
import { type Rows, rowsOf } from './rows.js';

type Kind = HostNetwork['guests'][number];

/** A NIC as the user has described it. */
interface NewNic {
  network: string;
  model: string;
  address?: string;
  gateway?: string;
  vlans?: number[];
  mac?: string;
}

interface NicRow {
  inputs: HTMLElement[];
  read: () => NewNic;
  /** Offers the networks for such guests. */
  offer: (kind: Kind) => void;
}

/** The rows for the NICs of a new guest. */
export interface NicRows extends Rows<NicRow> {
  /** Offers the networks for guests of that type. */
  show: (type: string) => void;
}

/** Not the name of a network. */
const OTHER = '(other)';

const KINDS: Record<HostNetwork['kind'], string> = {
  bridge: 'bridge',
  openvswitch: 'Open vSwitch',
  engine: 'network of the engine',
  user: 'NAT through the host',
};

const textOf = ({ name, kind, subnets, usable, reason }: HostNetwork): string => {
  const details = [KINDS[kind], ...subnets].join(', ');
  return usable ? `${name} (${details})` : `${name}: ${reason ?? 'not usable'}`;
};

const optionOf = (network: HostNetwork): HTMLElement =>
  h('option', { value: network.name, disabled: !network.usable }, textOf(network));

const nicRow = (networks: () => readonly HostNetwork[], kind: Kind): NicRow => {
  const choice = h('select', { 'aria-label': 'Network' });
  const name = textInput({
    ...{ placeholder: 'Bridge: br0', 'aria-label': 'Bridge, or user', value: 'user', required: true },
  });
  const address = textInput({
    ...{ placeholder: 'Address: 192.0.2.10/24', 'aria-label': 'Static address with its prefix' },
  });
  const gateway = textInput({ placeholder: 'Gateway', 'aria-label': 'Gateway' });
  const vlans = textInput({ placeholder: 'VLANs: 10, 20', 'aria-label': 'VLAN IDs, separated by commas' });
  const mac = textInput({ placeholder: 'MAC', 'aria-label': 'MAC address' });
  const show = (): void => {
    const isNamed = choice.hidden || choice.value === OTHER;
    name.hidden = !isNamed;
    name.disabled = !isNamed;
  };
  choice.addEventListener('change', show);
  const offer = (wanted: Kind): void => {
    const offered = networks().filter(({ guests }) => guests.includes(wanted));
    const before = choice.value;
    choice.replaceChildren(...offered.map(optionOf), h('option', { value: OTHER }, 'Another one …'));
    // Without a list, the user types the name.
    choice.hidden = offered.length === 0;
    const best = offered.find((network) => network.usable && network.name === before);
    const first = best ?? offered.find(({ usable, kind }) => usable && kind === 'user') ?? offered[0];
    choice.value = first?.usable ? first.name : OTHER;
    show();
  };
  offer(kind);
  const read = (): NewNic => ({
    network: name.hidden ? choice.value : name.value.trim(),
    model: 'virtio',
    ...definedIn({
      ...{ address: textIn(address), gateway: textIn(gateway), mac: textIn(mac) },
      vlans: textIn(vlans)?.split(',').map(Number),
    }),
  });
  return { inputs: [choice, name, address, gateway, vlans, mac], read, offer };
};

export const nicRows = (): NicRows => {
  let networks: readonly HostNetwork[] = [];
  let kind: Kind = 'vm';
  const rows = rowsOf({ name: 'NIC', createRow: () => nicRow(() => networks, kind) });
  rows.element.classList.add('nic-rows');
  const offer = (): void => {
    for (const row of rows.rows()) row.offer(kind);
  };
  get<HostNetworks>('/networks')
    .then((found) => {
      networks = found.networks;
      offer();
    })
    // An agent without the list takes the name of any network.
    .catch(() => undefined);
  return {
    ...rows,
    show: (type) => {
      kind = type === 'container' ? 'container' : 'vm';
      offer();
    },
  };
};
