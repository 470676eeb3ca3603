import { Gauge, type Registry } from 'prom-client';
import { type Guest, isContainer } from '../model/guest.js';
import type { GuestAddress } from '../model/guest-addresses.js';
import { reachableAddresses } from '../portable/reachable-addresses.js';
import { GUEST_LABELS, guestLabels } from './guest-labels.js';

/** Commas surround each tag, so that `,web,` matches one tag and no part of another. */
const tagsLabel = ({ tags = [] }: Guest): { tags?: string } =>
  tags.length > 0 ? { tags: `,${tags.join(',')},` } : {};

/**
 * What is known of the guests besides counters: gauges that are always 1 and carry it in their labels. An address is not
 * a label of the counters, whose series would end whenever it changes.
 */
export class GuestInfoMetrics {
  readonly #info: Gauge;
  readonly #address: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#info = new Gauge({
      name: 'mistify_guest_info',
      help: 'A guest, with the best known address at which its host can reach it',
      labelNames: [...GUEST_LABELS, 'type', 'tags', 'address'],
      registers,
    });
    this.#address = new Gauge({
      name: 'mistify_guest_address_info',
      help: 'An address at which the host can reach a guest',
      labelNames: [...GUEST_LABELS, 'address'],
      registers,
    });
  }

  /** Replaces all series, so that deleted guests and earlier addresses disappear. */
  set(guests: readonly Guest[], addressesOf: (guest: Guest) => readonly GuestAddress[]): void {
    this.#info.reset();
    this.#address.reset();
    for (const guest of guests) {
      const labels = guestLabels(guest);
      const addresses = reachableAddresses(guest, addressesOf(guest));
      const [address] = addresses;
      const type = isContainer(guest) ? 'container' : 'kvm';
      const known = { ...tagsLabel(guest), ...(address === undefined ? {} : { address }) };
      this.#info.set({ ...labels, type, ...known }, 1);
      for (const each of addresses) this.#address.set({ ...labels, address: each }, 1);
    }
  }
}
