import type { GuestSpec } from '../client/index.js';
import type { Ulimit } from '../model/container/limits.js';
import type { PublishedPort } from '../model/container/network.js';
import { MAX_SHUTDOWN_S, MIN_SHUTDOWN_S } from '../model/shutdown-timeout.js';
import { PORT_HINT, publishedPortOf } from '../portable/published-port.js';
import { mbOf, SIZE_HINT } from '../portable/size.js';
import { invalidValue } from './failure.js';

export const parseMb = (text: string): number => {
  const mb = mbOf(text);
  if (mb === undefined) throw invalidValue(SIZE_HINT);
  return mb;
};

export const parseCount = (text: string): number => {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count)) throw invalidValue('give a whole number');
  return count;
};

export const parseSeconds = (text: string): number => {
  const seconds = Number(text);
  if (text.trim() === '' || !(seconds > 0)) throw invalidValue('give a number of seconds above 0');
  return seconds;
};

/** Parses the seconds that a guest gets to shut down. */
export const parseShutdownSeconds = (text: string): number => {
  const seconds = Number(text);
  if (!(seconds >= MIN_SHUTDOWN_S && seconds <= MAX_SHUTDOWN_S))
    throw invalidValue(`give ${MIN_SHUTDOWN_S} to ${MAX_SHUTDOWN_S} seconds`);
  return seconds;
};

/** Adds `KEY=VALUE` to the earlier pairs. */
export const addPair = (text: string, earlier: Record<string, string> = {}): Record<string, string> => {
  const at = text.indexOf('=');
  if (at < 1) throw invalidValue('give KEY=VALUE');
  return { ...earlier, [text.slice(0, at)]: text.slice(at + 1) };
};

/** Adds `NAME=SOFT` or `NAME=SOFT:HARD` to the earlier limits. */
export const addUlimit = (text: string, earlier: Record<string, Ulimit> = {}): Record<string, Ulimit> => {
  const [, name = '', soft = '', hard] = /^([a-z]+)=(-1|\d+)(?::(-1|\d+))?$/.exec(text) ?? [];
  if (name === '') throw invalidValue('give NAME=NUMBER or NAME=SOFT:HARD: nofile=1024:4096');
  const limit = hard === undefined ? Number(soft) : { soft: Number(soft), hard: Number(hard) };
  return { ...earlier, [name]: limit };
};

/** Adds `[ADDRESS:]HOST_PORT:PORT[/PROTOCOL]` to the earlier ports. */
export const addPort = (text: string, earlier: PublishedPort[] = []): PublishedPort[] => {
  const port = publishedPortOf(text);
  if (!port) throw invalidValue(PORT_HINT);
  return [...earlier, port];
};

/** Parses a number of CPUs, which may be a part of one. */
export const parseCpus = (text: string): number => {
  const cpus = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || !(cpus > 0)) throw invalidValue('give a number above 0');
  return cpus;
};

type Nic = NonNullable<GuestSpec['nics']>[number];

const NIC_KEYS = ['model', 'mac', 'name', 'address', 'netmask', 'gateway'] as const;

/** The settings of a NIC, for a help text. */
export const NIC_SETTINGS = [...NIC_KEYS.map((key) => `${key}=…`), 'vlan=…'].join(',');

/** Parses a NIC: a bridge, then settings: `br0,mac=52:54:00:12:34:56,vlan=10,vlan=20`. */
export const parseNic = (text: string): Nic => {
  const [network = '', ...settings] = text.split(',');
  if (network === '' || network.includes('=')) throw invalidValue('start with the bridge: br0,…');
  const nic: Nic = { network, model: 'virtio' };
  for (const setting of settings) {
    const [key = '', value = ''] = setting.split('=', 2);
    const known = NIC_KEYS.find((name) => name === key);
    if (key === 'vlan') nic.vlans = [...(nic.vlans ?? []), parseCount(value)];
    else if (known) nic[known] = value;
    else throw invalidValue(`"${key}" is not a setting: choose from ${NIC_KEYS.join('=, ')}=, vlan=`);
  }
  return nic;
};
