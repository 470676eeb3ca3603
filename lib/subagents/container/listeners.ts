import { readdir, readFile, readlink } from 'node:fs/promises';
import ipaddr from 'ipaddr.js';
import { isErrno } from '../../errors.js';
import { ifExists } from '../../files/atomic-files.js';
import type { PublishedPort } from '../../model/container/network.js';
import { canonicalAddress, portName, shareAddress } from '../../model/container/port-clash.js';
import { listPids } from '../../process/list-pids.js';
import { Refusal } from '../../rpc/protocol/refusal.js';

/** `TCP_LISTEN` of the kernel, as /proc/net/tcp has it: proc(5). */
const LISTEN = '0A';

/** A socket of the host that takes what arrives at a port. */
interface Listener {
  /** `""` for all addresses. */
  address: string;
  port: number;
  inode: string;
}

const bytesOf = (word: string): number[] =>
  (word.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));

/** Reads an address as the kernel prints it: words of 32 bits, each in the order of the host. */
const readAddress = (hex: string): string => {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => bytesOf(word).reverse());
  if (bytes.every((byte) => byte === 0)) return '';
  return canonicalAddress(ipaddr.fromByteArray(bytes).toString());
};

/** Parses a table such as /proc/net/tcp6. */
export const parseListeners = (text: string, isTcp: boolean): Listener[] =>
  text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', remote = '', state, , , , , , inode = ''] = line.trim().split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      // A UDP socket that is connected takes packets of its peer alone.
      const listens = isTcp ? state === LISTEN : /:0000$/.test(remote);
      return listens ? [{ address: readAddress(address), port: Number.parseInt(port, 16), inode }] : [];
    });

const listenersOf = async (protocol: 'tcp' | 'udp'): Promise<Listener[]> => {
  const tables = [`/proc/net/${protocol}`, `/proc/net/${protocol}6`];
  const texts = await Promise.all(tables.map((path) => ifExists(readFile(path, 'utf8'))));
  return texts.flatMap((text) => parseListeners(text ?? '', protocol === 'tcp'));
};

const holds = async (pid: string, inode: string): Promise<boolean> => {
  try {
    const fds = await readdir(`/proc/${pid}/fd`);
    const links = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
    return links.includes(`socket:[${inode}]`);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return false;
    throw error;
  }
};

/** Names the process with a socket, if this program may see it. */
const holderOf = async (inode: string): Promise<string> => {
  for (const pid of await listPids()) {
    if (!(await holds(pid, inode))) continue;
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    return `${name.trim() || 'a program'} (process ${pid})`;
  }
  return 'another program';
};

/**
 * Checks that nothing on the host listens at ports that a new container is to publish. The kernel lists no listeners of SCTP.
 * @throws {Refusal} `conflict` that names the program
 */
export const requireFreePorts = async (ports: readonly PublishedPort[] = []): Promise<void> => {
  for (const port of ports) {
    const { hostAddress = '', hostPort, protocol = 'tcp' } = port;
    if (protocol === 'sctp') continue;
    const listener = (await listenersOf(protocol)).find(
      (each) => each.port === hostPort && shareAddress(each.address, hostAddress),
    );
    if (listener)
      throw new Refusal(
        'conflict',
        `${portName(port)} of this host is taken by ${await holderOf(listener.inode)}: choose another, or end that`,
      );
  }
};
