import { InvalidArgumentError } from 'commander';
import type { GuestSpec } from '../client/index.js';

const FACTORS: Record<string, number> = { '': 1, M: 1, G: 1024, T: 1024 * 1024 };

/** A size in MB (2^20 bytes), or with a unit: `10240`, `10G`. */
export const parseMb = (text: string): number => {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?) ?([MGT]?)i?B?$/i.exec(text) ?? [];
  const mb = Number(digits) * (FACTORS[unit.toUpperCase()] ?? Number.NaN);
  if (!Number.isSafeInteger(mb)) throw new InvalidArgumentError('give MB, or such as 512M, 10G or 1T');
  return mb;
};

export const parseCount = (text: string): number => {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count)) throw new InvalidArgumentError('give a number');
  return count;
};

/** `KEY=VALUE`, added to those before it. */
export const addPair = (text: string, earlier: Record<string, string> = {}): Record<string, string> => {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('give KEY=VALUE');
  return { ...earlier, [text.slice(0, at)]: text.slice(at + 1) };
};

type Nic = NonNullable<GuestSpec['nics']>[number];

const NIC_KEYS = ['model', 'mac', 'name', 'address', 'netmask', 'gateway'] as const;

/** A bridge, with what else there is to say: `br0,mac=52:54:00:12:34:56,vlan=10,vlan=20`. */
export const parseNic = (text: string): Nic => {
  const [network = '', ...settings] = text.split(',');
  if (network === '' || network.includes('=')) throw new InvalidArgumentError('begin with the bridge: br0,…');
  const nic: Nic = { network, model: 'virtio' };
  for (const setting of settings) {
    const [key = '', value = ''] = setting.split('=', 2);
    const known = NIC_KEYS.find((name) => name === key);
    if (key === 'vlan') nic.vlans = [...(nic.vlans ?? []), parseCount(value)];
    else if (known) nic[known] = value;
    else throw new InvalidArgumentError(`choose from ${NIC_KEYS.join('=, ')}=, vlan=`);
  }
  return nic;
};

export interface CreateOptions {
  id?: string;
  name?: string;
  container?: boolean;
  image?: string;
  memory?: number;
  cpu?: number;
  disk?: number[];
  nic?: Nic[];
  metadata?: Record<string, string>;
}

/** The first disk is cloned from the image and as large as asked; those after it are blank. */
const disksOf = ({
  image,
  disk: sizes = [],
  container,
}: CreateOptions): Pick<GuestSpec, 'disks' | 'image'> => {
  const from = image === undefined ? {} : { image };
  if (sizes.length === 0 || container) return from;
  return { disks: sizes.map((size, index) => ({ size, ...(index === 0 ? from : {}) })) };
};

/** The guest that the options of `guest create` ask for. */
export const guestSpec = (options: CreateOptions): GuestSpec => {
  const { id, name, container, memory, cpu, nic, metadata } = options;
  const all = { ...metadata, ...(name === undefined ? {} : { name }) };
  return {
    ...(id === undefined ? {} : { id }),
    ...(container ? { type: 'container' } : {}),
    ...(memory === undefined ? {} : { memory }),
    ...(cpu === undefined ? {} : { cpu }),
    ...disksOf(options),
    ...(nic ? { nics: nic } : {}),
    ...(Object.keys(all).length > 0 ? { metadata: all } : {}),
  };
};
