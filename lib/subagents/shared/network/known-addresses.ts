import { readFile } from 'node:fs/promises';
import { coalesce } from '../../../async/coalesce.js';
import { ifExists } from '../../../files/atomic-files.js';
import type { Nic } from '../../../model/guest.js';
import type { GuestAddress } from '../../../model/guest-addresses.js';
import { runTool } from './tools.js';

/** Where dnsmasq of Debian keeps its leases: dnsmasq(8), `--dhcp-leasefile`. */
export const DNSMASQ_LEASES = '/var/lib/misc/dnsmasq.leases';

/** An address of a MAC address. */
interface Binding {
  mac: string;
  address: string;
  /** The host's device that it was seen on. */
  device?: string;
}

/** Whether what is known of a device or network can be the NIC's: its MAC address and its bridge are. */
const isOf = (nic: Nic, { mac, device }: Binding): boolean =>
  nic.mac?.toLowerCase() === mac.toLowerCase() && (device === undefined || device === nic.network);

const boundTo = (
  nics: readonly Nic[],
  bindings: readonly Binding[],
  source: GuestAddress['source'],
): GuestAddress[] =>
  bindings.flatMap((binding) => {
    const nic = nics.find((each) => isOf(each, binding));
    if (!nic) return [];
    const { address, mac } = binding;
    return [{ address, ...(nic.name ? { nic: nic.name } : {}), mac, source }];
  });

/** An entry of `ip -json neighbour`; ip(8) leaves keys out, and the entry empty where a filter does not match. */
interface Neighbour {
  dst?: string;
  dev?: string;
  lladdr?: string;
  state?: string[];
}

/** Reads the kernel's neighbour table: ip-neighbour(8). The guests that are asked for at the same time share it. */
const readNeighbours = coalesce(() => runTool('ip', '-json', 'neighbour', 'show'));

/** Finds the NICs' addresses in the kernel's neighbour table, which forgets who is silent for minutes. */
export const neighbourAddresses = async (
  nics: readonly Nic[],
  read = readNeighbours,
): Promise<GuestAddress[]> => {
  const found = JSON.parse((await read()) || '[]') as Neighbour[];
  const bindings = found.flatMap(({ dst, dev, lladdr, state = [] }) =>
    dst && dev && lladdr && !state.includes('FAILED') ? [{ mac: lladdr, address: dst, device: dev }] : [],
  );
  return boundTo(nics, bindings, 'neighbour');
};

/**
 * Parses a lease of dnsmasq: its end in seconds since 1970 (0 for never), MAC address, address, host name, client id. The
 * leases of DHCPv6 have no MAC address.
 */
const leaseOf = (line: string, now: number): Binding[] => {
  const [end = '', mac = '', address = ''] = line.split(' ');
  const hasEnded = end !== '0' && Number(end) * 1000 < now;
  return /^\d+$/.test(end) && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac) && address && !hasEnded
    ? [{ mac, address }]
    : [];
};

/** Finds the addresses that dnsmasq has leased to the NICs. A file that does not exist has no leases. */
export const leasedAddresses = async (
  nics: readonly Nic[],
  files: readonly string[],
  now = Date.now(),
): Promise<GuestAddress[]> => {
  const texts = await Promise.all(files.map((file) => ifExists(readFile(file, 'utf8'))));
  const bindings = texts.flatMap((text = '') => text.split('\n').flatMap((line) => leaseOf(line, now)));
  return boundTo(nics, bindings, 'dhcp lease');
};
