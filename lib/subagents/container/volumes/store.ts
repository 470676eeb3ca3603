import { dirname } from 'node:path';
import type { VolumeCreateOptions, VolumeInspectInfo } from 'dockerode';
import { Locks } from '../../../async/keyed-locks.js';
import { exists } from '../../../files/exists.js';
import type { NewVolume } from '../../../model/volume.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { notFound } from '../../shared/errors.js';
import { GUEST_LABEL, OWNER_LABEL } from '../definition.js';
import type { Engine } from '../engine.js';
import { EngineError, isConflict, refusingMistakes } from '../errors.js';
import { engineVolume, volumeName } from './names.js';

/** The label with the size limit in MB: engines report it in formats of their own. */
export const SIZE_LABEL = 'io.mistify.size';

/** The label with the path of a volume that is for a `VOLUME` path of an image; it has `GUEST_LABEL`, too. */
export const TARGET_LABEL = 'io.mistify.target';

const volumeKey = (name: string): string => `volume ${name}`;

/** A volume as the engine inspects it; `CreatedAt` is missing in dockerode's type. */
export type EngineVolume = VolumeInspectInfo & { CreatedAt?: string };

/** What Docker and Podman say where the file system of their volumes has no project quota: xfs(5), `prjquota`. */
const NO_QUOTA = /quota/i;

/** The containers that have a volume mounted. */
export interface VolumeUsers {
  /** The ids of those that are guests, of all agents. */
  guests: readonly string[];
  /** Whether one of them runs, a guest or not. */
  isRunning: boolean;
}

export const NO_USERS: VolumeUsers = { guests: [], isRunning: false };

/** A volume that is to exist. */
export interface WantedVolume extends NewVolume {
  /** The guest that it belongs to, and its path, when it is for a `VOLUME` path of the guest's image. */
  ofImage?: { guest: string; target: string };
}

/** The volumes of one sub-agent, which the engine stores. */
export class VolumeStore {
  readonly #engine: Engine;
  /** The sub-agent's state directory. */
  readonly #owner: string;
  readonly #locks = new Locks();

  constructor(engine: Engine, owner: string) {
    this.#engine = engine;
    this.#owner = owner;
  }

  /** Whether a volume belongs to this sub-agent: it made it, or the one that did is gone. */
  async #isOwn({ Labels }: Pick<EngineVolume, 'Labels'>): Promise<boolean> {
    const owner = Labels?.[OWNER_LABEL];
    return owner !== undefined && (owner === this.#owner || !(await exists(owner)));
  }

  /** Whether this sub-agent made a volume. */
  hasMade({ Labels }: EngineVolume): boolean {
    return Labels?.[OWNER_LABEL] === this.#owner;
  }

  /** Runs work while no other changes these volumes. */
  exclusively<T>(names: readonly string[], work: () => Promise<T>): Promise<T> {
    return this.#locks.runAll(names.map(volumeKey), work);
  }

  /** Whether work that changes a volume is under way or waits. */
  isBusy(name: string): boolean {
    return this.#locks.has(volumeKey(name));
  }

  /** Inspects a volume of this sub-agent; `undefined` when there is none of that name. */
  async find(name: string): Promise<EngineVolume | undefined> {
    const found = await this.#inspect(name);
    return found && (await this.#isOwn(found)) ? found : undefined;
  }

  #inspect(name: string): Promise<EngineVolume | undefined> {
    return this.#engine.find((docker) => docker.getVolume(engineVolume(name)).inspect());
  }

  async list(): Promise<EngineVolume[]> {
    const filters = { label: [OWNER_LABEL] };
    const volumes = await this.#engine.list(
      async (docker) => ((await docker.listVolumes({ filters })).Volumes ?? []) as EngineVolume[],
    );
    const own = await Promise.all(
      volumes.map(async (volume) => [volume, await this.#isOwn(volume)] as const),
    );
    return own.flatMap(([volume, isOwn]) => (isOwn ? [volume] : []));
  }

  /** Lists what the containers of all agents and of the host have mounted, by the engine's name of the volume. */
  async users(): Promise<Map<string, VolumeUsers>> {
    const containers = await this.#engine.list((docker) => docker.listContainers({ all: true }));
    const users = new Map<string, VolumeUsers>();
    for (const { Labels, Mounts = [], State } of containers)
      for (const { Name } of Mounts) {
        if (!Name) continue;
        const { guests, isRunning } = users.get(Name) ?? NO_USERS;
        const guest = Labels?.[GUEST_LABEL];
        users.set(Name, {
          guests: guest === undefined ? guests : [...guests, guest],
          isRunning: isRunning || State === 'running',
        });
      }
    return users;
  }

  /**
   * Requires that a volume can be made under a name.
   * @throws {Refusal} `conflict` when the engine has a volume of that name
   */
  async requireFree(name: string): Promise<void> {
    const found = await this.#inspect(name);
    if (!found) return;
    if (await this.#isOwn(found))
      throw new Refusal(
        'conflict',
        `volume ${name} exists already: use it, or give the new one another name`,
      );
    throw this.#foreign(name, found);
  }

  /**
   * Makes a volume unless this sub-agent has it.
   * @returns whether it was made
   * @throws {Refusal} `conflict` when the engine has a volume of that name that is not this sub-agent's
   */
  async ensure(volume: WantedVolume): Promise<boolean> {
    const [missing] = await this.missing([volume.name]);
    if (missing !== undefined) await this.make(volume);
    return missing !== undefined;
  }

  /**
   * Requires that guests can have volumes of these names mounted.
   * @returns the names of those that would be made
   * @throws {Refusal} `conflict` when one of them is not this sub-agent's
   */
  async missing(names: readonly string[]): Promise<string[]> {
    const missing: string[] = [];
    for (const name of names) {
      const found = await this.#inspect(name);
      if (found && !(await this.#isOwn(found))) throw this.#foreign(name, found);
      if (!found) missing.push(name);
    }
    return missing;
  }

  #foreign(name: string, { Labels }: EngineVolume): Refusal {
    const owner = Labels?.[OWNER_LABEL];
    const whose = owner ? `belongs to another agent, ${dirname(owner)}` : 'was not made by this agent';
    return new Refusal(
      'conflict',
      `the engine has a volume named ${engineVolume(name)} that ${whose}: choose another name`,
    );
  }

  /**
   * Makes a volume.
   * @throws {Refusal} `invalid` when it is to have a size and the engine does not enforce one
   * @throws {Refusal} `conflict` when another agent has just made one of that name
   */
  async make({ name, labels, size, ofImage }: WantedVolume): Promise<EngineVolume> {
    const own = {
      ...(size === undefined ? {} : { [SIZE_LABEL]: String(size) }),
      ...(ofImage ? { [GUEST_LABEL]: ofImage.guest, [TARGET_LABEL]: ofImage.target } : {}),
    };
    const options: VolumeCreateOptions = {
      Name: engineVolume(name),
      Driver: 'local',
      Labels: { ...labels, ...own, [OWNER_LABEL]: this.#owner },
      ...(size === undefined ? {} : { DriverOpts: await this.#limit(size) }),
    };
    try {
      await refusingMistakes(() => this.#engine.call((docker) => docker.createVolume(options)));
    } catch (error) {
      if (size === undefined || !NO_QUOTA.test(String(error))) throw error;
      throw new Refusal(
        'invalid',
        `volume ${name}: the engine cannot enforce a size here, because its volumes are not on XFS mounted with ` +
          'prjquota: leave the size out, or move the volumes of the engine to such a file system',
        { cause: error },
      );
    }
    // Engines respond with a volume that exists as if they had made it.
    const made = await this.#inspect(name);
    if (!made) throw notFound(`volume ${name}, which was just made,`);
    if (made.Labels?.[OWNER_LABEL] !== this.#owner) throw this.#foreign(name, made);
    return made;
  }

  /** Podman keeps the option `size` and enforces nothing; its limit is an option for mount(8), which Docker rejects. */
  async #limit(size: number): Promise<Record<string, string>> {
    return (await this.#engine.kind()) === 'podman' ? { o: `size=${size}M` } : { size: `${size}M` };
  }

  /**
   * Removes a volume with its files; succeeds when it is gone.
   * @throws {Refusal} `conflict` while a container has it mounted
   */
  async remove(name: string): Promise<void> {
    try {
      await this.#engine.find((docker) => docker.getVolume(engineVolume(name)).remove());
    } catch (error) {
      if (!(error instanceof EngineError) || !isConflict(error)) throw error;
      throw new Refusal('conflict', `volume ${name} is in use by containers: ${error.message}`, {
        cause: error,
      });
    }
  }

  /** Removes a volume that was just made in vain. One that cannot be removed stays, and is listed. */
  async discard(name: string): Promise<void> {
    await this.remove(name).catch(() => undefined);
  }

  /**
   * Removes the volumes that a guest had for the `VOLUME` paths of its image.
   * @returns the names of those that stay, because others have them mounted
   */
  async removeOfGuest(guest: string): Promise<string[]> {
    const staying: string[] = [];
    for (const { Name, Labels } of await this.list()) {
      if (Labels?.[GUEST_LABEL] !== guest) continue;
      const name = volumeName(Name);
      try {
        await this.exclusively([name], () => this.remove(name));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        staying.push(name);
      }
    }
    return staying;
  }
}
