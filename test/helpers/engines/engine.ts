import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { delimiter } from 'node:path';
import { execa } from 'execa';
import type { EngineKind } from '../../../lib/subagents/container/engine.js';

/** Formats of an archive of images. */
export type ArchiveFormat = 'docker-archive' | 'oci-archive';

/** What engines do in different ways, where the sub-agent cannot hide it. */
export interface EngineTraits {
  /** Whether a NIC on the engine's default network may have an address of its own. */
  addressOnDefaultNetwork: boolean;
  /** Whether every NIC on an engine network may have a MAC of its own, not only the first one. */
  macOfEachNic: boolean;
  /** Whether the devices of NICs on engine networks are in the order of the NICs, not in one of the engine. */
  keepsOrder: boolean;
  /** Whether it says that a program ended because of its memory limit. */
  tellsOutOfMemory: boolean;
  /** Whether it changes the limits of a container that runs. */
  changesLimits: boolean;
  /** Whether its API takes the CDI device `CDI_DEVICE`. */
  takesCdi: boolean;
  /** Returns the name by which the engine's own lists have an image. */
  listedName: (complete: string) => string;
}

/** A device of the engines that take such devices: `/dev/zero`, which is `/dev/cdi-zero` in the container. */
export const CDI_DEVICE = 'mistify.test/device=zero';

/** How a network is. */
export interface NetworkOptions {
  /** Whether the engine resolves the names of containers on it. */
  names?: boolean;
}

/** A container engine apart from the host's: with its own storage, containers, networks and socket. */
export interface TestEngine {
  readonly kind: EngineKind;
  readonly traits: EngineTraits;
  /** Its directory. Its path is short, because sockets are in it. */
  readonly dir: string;
  readonly socket: string;
  /** Runs the engine's command line. Docker and Podman share most of it. */
  run(...args: string[]): Promise<string>;
  /** Writes an archive of images to `path`. */
  save(path: string, format: ArchiveFormat, ...names: string[]): Promise<void>;
  /**
   * Creates a network.
   * @returns its subnet
   */
  createNetwork(name: string, options?: NetworkOptions): Promise<string>;
  /** Starts the service on the socket. */
  serve(): Promise<void>;
  /** Stops the service. The containers keep running. */
  stopService(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Stops everything, containers and mounts included, and removes it. */
  stop(): Promise<void>;
}

/** Returns the first three bytes of a random /24 network from the range for benchmarks: RFC 2544. */
export const newSubnet = (): string => `198.${18 + randomInt(2)}.${randomInt(256)}`;

const MAX_TRIES = 5;

/**
 * Creates something on a subnet of its own. Tries another one when a test that runs at the same time has it.
 * @returns the subnet, such as `198.18.7.0/24`
 */
export const onFreeSubnet = async (create: (subnet: string) => Promise<void>, tries = 1): Promise<string> => {
  const subnet = `${newSubnet()}.0/24`;
  try {
    await create(subnet);
    return subnet;
  } catch (error) {
    if (tries >= MAX_TRIES || !/already used|overlaps/.test(String(error))) throw error;
    return onFreeSubnet(create, tries + 1);
  }
};

/** The programs of the host alone. npm adds those of modules, and one is called `nft`, which netavark wants to run. */
export const systemPath = (): string =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .filter((directory) => !directory.includes('node_modules'))
    .join(delimiter);

/** Unmounts everything below a directory, the last mount first. */
export const unmountBelow = async (dir: string): Promise<void> => {
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  const own = mounts.split('\n').flatMap((line) => line.split(' ')[1] ?? []);
  for (const path of own.filter((mount) => mount.startsWith(`${dir}/`)).reverse())
    await execa('umount', [path]);
};
