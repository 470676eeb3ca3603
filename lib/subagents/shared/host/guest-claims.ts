import { dirname } from 'node:path';
import { exists } from '../../../files/exists.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { guestPath, type HostRegistry, type Owner } from './registry.js';

/** @param dir the state directory of the agent that has the guest */
export const belongsElsewhere = (guest: string, dir: string): Refusal =>
  new Refusal(
    'conflict',
    `guest ${guest} belongs to another agent of this host, with its state in ${dir}: choose another id`,
  );

/**
 * Keeps the guests of this host's agents apart: the names of taps, switch ports and containers come from the guest's id
 * alone, so only one agent may have it.
 */
export class GuestClaims {
  readonly #registry: HostRegistry;

  constructor(registry: HostRegistry) {
    this.#registry = registry;
  }

  /** Lists the owners that belong to other agents. The other kind of sub-agent beside this one has the same agent. */
  async #foreign(): Promise<Owner[]> {
    const { own } = this.#registry;
    return (await this.#registry.others()).filter(
      ({ kind, dir }) => kind !== 'storage' && (kind === own.kind || dirname(dir) !== dirname(own.dir)),
    );
  }

  /** Returns the state directory of another agent of this host that has the guest. */
  async findForeign(guest: string): Promise<string | undefined> {
    for (const owner of await this.#foreign())
      if (await exists(guestPath(owner, guest))) return dirname(owner.dir);
    return undefined;
  }

  /** @throws {Refusal} `conflict` when another agent of this host has the guest */
  async requireFree(guest: string): Promise<void> {
    const dir = await this.findForeign(guest);
    if (dir !== undefined) throw belongsElsewhere(guest, dir);
  }

  /**
   * Claims a guest's id for this sub-agent.
   * @param save creates the guest's path in the state directory
   * @throws {Refusal} `conflict` as `requireFree`, without having called `save`
   */
  async claim<T>(guest: string, save: () => Promise<T>): Promise<T> {
    if ((await this.#foreign()).length === 0) return save();
    return this.#registry.exclusively(async () => {
      await this.requireFree(guest);
      return save();
    });
  }
}
