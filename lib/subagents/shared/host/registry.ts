import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errorMessage } from '../../../errors.js';
import { ifExists, replaceFile } from '../../../files/atomic-files.js';
import { lockDirectory } from '../../../files/directory-lock.js';
import { exists } from '../../../files/exists.js';
import { type FileLock, lockFile } from '../../../files/file-lock.js';
import type { UidRange } from '../../../process/guest-uids.js';
import { isRoot } from '../../../process/unprivileged.js';
import { uidsInUse } from './uid-range.js';

/** How long other sub-agents may take for a change of the registry. */
const WAIT_SECONDS = 30;
/** The version of its files, apart from that of the agents' states: agents of several versions share them. */
const VERSION = 1;

/** A sub-agent that shares this host's names and uids with those of other agents. */
export interface Owner {
  kind: 'qemu' | 'container' | 'storage';
  /** Its state directory, without symbolic links. An owner without its directory has no guests. */
  dir: string;
  /** The uids of its guests' QEMUs. */
  uids?: UidRange;
}

/** The directory that has an entry for each guest of an owner, or that entry. */
export const guestPath = ({ dir }: Pick<Owner, 'dir'>, guest = ''): string => join(dir, 'guests', guest);

/** The directory of the claims of all agents that this user runs. */
export const defaultHostDir = (): string =>
  isRoot()
    ? '/var/lib/mistify-host'
    : join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'mistify-host');

const isLive = async ({ dir, uids }: Owner): Promise<boolean> =>
  (await exists(dir)) || (uids !== undefined && (await uidsInUse(uids)));

/**
 * What the sub-agents of all agents on this host have claimed. A claim is on disk and lasts as long as its owner's state
 * directory, because guests outlive their agent, and their files belong to their uids. A process that runs with a
 * claimed uid extends it further.
 */
export class HostRegistry {
  readonly own: Owner;
  readonly #hostDir: string;
  readonly #lock: FileLock;

  private constructor(hostDir: string, own: Owner, lock: FileLock) {
    this.#hostDir = hostDir;
    this.own = own;
    this.#lock = lock;
  }

  /**
   * Locks a sub-agent's state directory and adds the sub-agent to the registry.
   * @param check looks at the state that was found, before anything is written
   * @throws when another process uses the state directory, `check` fails, or the registry cannot be used
   */
  static async open(
    hostDir: string,
    kind: Owner['kind'],
    stateDir: string,
    check: () => Promise<void> = async () => {},
  ): Promise<HostRegistry> {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    const dir = await realpath(stateDir);
    const lock = await lockDirectory(dir, `${kind} sub-agent`, '--dir');
    const registry = new HostRegistry(hostDir, { kind, dir }, lock);
    await check().catch(async (error: unknown) => {
      await lock.release();
      throw error;
    });
    try {
      await mkdir(hostDir, { recursive: true, mode: 0o700 });
      await registry.update(async () => ({}));
    } catch (error) {
      await lock.release();
      throw new Error(
        `${hostDir}, which holds what each agent of this host has claimed: ${errorMessage(error)}; --host-dir names another directory`,
        { cause: error },
      );
    }
    return registry;
  }

  /** Lists the other owners. */
  async others(): Promise<Owner[]> {
    const names = (await readdir(this.#hostDir)).filter((name) => name.endsWith('.json'));
    const owners = await Promise.all(names.map((name) => this.#read(join(this.#hostDir, name))));
    return owners.filter((owner) => owner !== undefined).filter(({ dir }) => dir !== this.own.dir);
  }

  /**
   * Changes this sub-agent's entry while no other sub-agent changes the registry, and forgets owners that are gone.
   * @param change computes the change from the entry and the other owners
   */
  async update(change: (own: Owner, others: Owner[]) => Promise<Partial<Owner>>): Promise<Owner> {
    return this.exclusively(async () => {
      const others: Owner[] = [];
      for (const owner of await this.others())
        if (await isLive(owner)) others.push(owner);
        else await rm(this.#file(owner.dir), { force: true });
      const recorded = (await this.#read(this.#file(this.own.dir))) ?? this.own;
      const own = { ...recorded, ...(await change(recorded, others)) };
      await this.#write(this.#file(own.dir), `${JSON.stringify({ version: VERSION, ...own })}\n`);
      return own;
    });
  }

  /** Runs `work` while no other sub-agent of this host does so. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const lock = await lockFile(join(this.#hostDir, 'lock'), WAIT_SECONDS);
    if (!lock) throw new Error(`another process has held ${this.#hostDir}/lock for ${WAIT_SECONDS} s`);
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }

  /** Unlocks the state directory. A sub-agent without guests gives up its claims. */
  async close(): Promise<void> {
    const guests = (await ifExists(readdir(guestPath(this.own)))) ?? [];
    if (guests.length === 0) await rm(this.#file(this.own.dir), { force: true });
    await this.#lock.release();
  }

  #file(dir: string): string {
    return join(this.#hostDir, `${createHash('sha256').update(dir).digest('hex').slice(0, 16)}.json`);
  }

  /** Writes only what has changed: a sub-agent that starts again changes nothing, and needs no room on the disk. */
  async #write(path: string, text: string): Promise<void> {
    if ((await ifExists(readFile(path, 'utf8'))) !== text) await replaceFile(path, text);
  }

  async #read(path: string): Promise<Owner | undefined> {
    const text = await ifExists(readFile(path, 'utf8'));
    if (text === undefined) return undefined;
    const { version, ...owner } = JSON.parse(text) as Owner & { version: number };
    if (version <= VERSION) return owner;
    throw new Error(
      `${path} has version ${version}, from a newer version of the agent; this one reads up to ${VERSION}: run the newer version (nothing was changed)`,
    );
  }
}
