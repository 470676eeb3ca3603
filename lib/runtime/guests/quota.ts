import type { OwnerQuota, QuotaConfig } from '../../config/quota.js';
import { AgentError } from '../../errors.js';
import type { Guest } from '../../model/guest.js';
import { CLOSED_VIEW } from '../../model/secrets.js';
import type { GuestStore } from '../../store/guest-store.js';
import { LABELS, needOf, QUOTA_RESOURCES, type Resource, sumOf, type Usage } from './usage.js';

/** Names a guest by the name that its client chose, because the id of a guest that is not stored yet names nothing. */
const nameOf = ({ id, metadata = {} }: Guest): string => CLOSED_VIEW.metadata(metadata).name || id;

/** One of the two that have limits: the host, and the owner of a guest. */
interface Limited {
  /** Completes "the quota of …". */
  name: string;
  limits: Partial<Usage>;
  /** The setting of the config that limits a resource. */
  setting: (resource: Resource) => string;
  /** Whether a guest counts towards the limits. */
  has: (guest: Guest) => boolean;
}

/** Keeps what the guests of the host have together within the quota of the config. */
export class Quota {
  readonly config: QuotaConfig;
  readonly #guests: GuestStore;
  /** New guests that are being stored. */
  readonly #pending = new Set<Guest>();
  /** The ids of guests whose creation runs within the quota. */
  readonly #admitted = new Set<string>();
  /** Guests that are growing, as they will be. */
  readonly #growing = new Map<string, Guest>();
  /** The size of the storage in MB, when it was last known. */
  #storageMb: number | undefined;

  constructor(config: QuotaConfig, guests: GuestStore) {
    this.config = config;
    this.#guests = guests;
  }

  /** Whether a check needs the size of the storage. */
  get needsStorageSize(): boolean {
    return this.config.disk_factor !== undefined;
  }

  setStorageSize(mb: number): void {
    this.#storageMb = mb;
  }

  /** What the guests have, or those of an owner. */
  usage(owner?: string): Usage {
    const guests = this.#guests.list();
    return sumOf(owner === undefined ? guests : guests.filter((guest) => guest.owner === owner));
  }

  /** Returns the limits of an owner. */
  limitsOf(owner: string): OwnerQuota {
    return this.#ownerSetting(owner)[1];
  }

  #ownerSetting(owner: string): [name: string, limits: OwnerQuota] {
    const { owners = {} } = this.config;
    const name = Object.hasOwn(owners, owner) ? owner : '*';
    return [name, owners[name] ?? {}];
  }

  /** Returns the limits of the config. */
  limits(): Partial<Usage> {
    const { guests, memory, cpu, disk = Number.POSITIVE_INFINITY } = this.config;
    const least = Math.min(disk, this.#thinMb());
    return {
      ...(guests === undefined ? {} : { guests }),
      ...(memory === undefined ? {} : { memory }),
      ...(cpu === undefined ? {} : { cpu }),
      ...(Number.isFinite(least) ? { disk: least } : {}),
    };
  }

  /** What `disk_factor` permits, in MB. */
  #thinMb(): number {
    const { disk_factor: factor } = this.config;
    return Math.floor((factor ?? Number.POSITIVE_INFINITY) * (this.#storageMb ?? Number.POSITIVE_INFINITY));
  }

  /** Names the setting of the config that limits a resource. */
  #settingOf(resource: Resource): string {
    const { disk = Number.POSITIVE_INFINITY } = this.config;
    return resource === 'disk' && this.#thinMb() < disk ? 'quota.disk_factor' : `quota.${resource}`;
  }

  /**
   * Runs the write of a new guest, which counts from now on.
   * @throws {AgentError} as `check`
   */
  async claim<Result>(guest: Guest, write: () => Promise<Result>): Promise<Result> {
    this.check(guest);
    this.#pending.add(guest);
    try {
      return await write();
    } finally {
      this.#pending.delete(guest);
    }
  }

  /**
   * Checks that a new guest fits beside all others, including those that wait for their creation.
   * @throws {AgentError} `conflict`; `no_space` for its disks
   */
  check(guest: Guest): void {
    this.#require(guest, () => true);
  }

  /**
   * Lets the creation of a stored guest run if it fits beside all others but those that still wait: the quota may have
   * become smaller since it was submitted. Two at once are never admitted together when only one fits.
   * @throws {AgentError} as `check`
   */
  admit(guest: Guest): void {
    this.#require(guest, this.#isCreated);
    this.#admitted.add(guest.id);
  }

  /** Ends what `admit` began, once the guest's state says whether it was created. */
  settled(id: string): void {
    this.#admitted.delete(id);
  }

  /**
   * Checks that a guest can grow to what it will have. What does not grow may be beyond the quota.
   * @throws {AgentError} as `check`
   */
  checkGrowth(grown: Guest): void {
    const [before, after] = [needOf(this.#guests.get(grown.id)), needOf(grown)];
    const resources = QUOTA_RESOURCES.filter((resource) => after[resource] > before[resource]);
    const losesLimit =
      grown.container?.unlimitedMemory === true && !this.#guests.get(grown.id).container?.unlimitedMemory;
    if (resources.length > 0 || losesLimit) this.#require(grown, () => true, resources);
  }

  /**
   * Runs the growth of a guest, which counts from now on.
   * @throws {AgentError} as `check`
   */
  async growing<Result>(grown: Guest, run: () => Promise<Result>): Promise<Result> {
    this.checkGrowth(grown);
    this.#growing.set(grown.id, grown);
    try {
      return await run();
    } finally {
      this.#growing.delete(grown.id);
    }
  }

  /**
   * Checks a guest's disks once a stage has set their sizes, which an image may decide.
   * @throws {AgentError} `no_space`
   */
  checkDisks(id: string, disks: Guest['disks']): void {
    if (disks?.length) this.#require({ ...this.#guests.get(id), disks }, this.#isCreated, ['disk']);
  }

  /** Whether a guest exists or is being created, rather than waiting for its creation. */
  readonly #isCreated = ({ id, state }: Guest): boolean => state !== 'create' || this.#admitted.has(id);

  #require(
    guest: Guest,
    counts: (other: Guest) => boolean,
    resources: readonly Resource[] = QUOTA_RESOURCES,
  ): void {
    for (const limited of this.#limited(guest))
      if (Object.keys(limited.limits).length > 0) this.#requireWithin(limited, guest, counts, resources);
  }

  /** Returns what limits a guest: its owner first, who can do something about it. */
  #limited({ owner }: Guest): Limited[] {
    const host: Limited = {
      name: 'this host',
      limits: this.limits(),
      setting: (resource) => this.#settingOf(resource),
      has: () => true,
    };
    if (owner === undefined) return [host];
    const [line, limits] = this.#ownerSetting(owner);
    return [
      {
        name: `owner ${owner}`,
        limits,
        setting: (resource) => `quota.owners["${line}"].${resource}`,
        has: (guest) => guest.owner === owner,
      },
      host,
    ];
  }

  #requireWithin(
    { name, limits, setting, has }: Limited,
    guest: Guest,
    counts: (other: Guest) => boolean,
    resources: readonly Resource[],
  ): void {
    if (limits.memory !== undefined && guest.container?.unlimitedMemory)
      throw new AgentError(
        'conflict',
        `guest ${nameOf(guest)} has no limit of its memory, but ${name} has a quota of ${LABELS.memory(limits.memory)}: leave out container.unlimitedMemory, or remove ${setting('memory')} from the config`,
      );
    const others = [...this.#guests.list(), ...this.#pending].filter(
      (other) => other.id !== guest.id && has(other) && counts(other),
    );
    const sizes = new Map(others.map((other) => [other.id, this.#growing.get(other.id) ?? other]));
    const [used, need] = [sumOf(sizes.values()), needOf(guest)];
    for (const resource of resources) {
      const [limit, label] = [limits[resource], LABELS[resource]];
      if (limit === undefined || used[resource] + need[resource] <= limit) continue;
      throw new AgentError(
        resource === 'disk' ? 'no_space' : 'conflict',
        `guest ${nameOf(guest)} needs ${label(need[resource])}, but the quota of ${name} is ${label(limit)}, and other guests have ${used[resource]}: delete guests, or raise ${setting(resource)} in the config`,
      );
    }
  }
}
