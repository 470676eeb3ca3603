interface Place {
  id: string;
  order: number;
}

/** Ids in the order they came in, to be read from any place on: a page costs what is on it, however many there are. */
export class OrderedIds {
  /** Ascending; with those of ids that are gone, until they are the most of it. */
  #places: Place[] = [];
  readonly #orders = new Map<string, number>();

  get size(): number {
    return this.#orders.size;
  }

  has(id: string): boolean {
    return this.#orders.has(id);
  }

  /** Where an id is, to read on from. */
  orderOf(id: string): number | undefined {
    return this.#orders.get(id);
  }

  /** @param order higher than that of all before it */
  add(id: string, order: number): void {
    this.#places.push({ id, order });
    this.#orders.set(id, order);
  }

  delete(id: string): void {
    if (this.#orders.delete(id) && this.#places.length > 2 * this.#orders.size + 32)
      this.#places = this.#places.filter((place) => this.#isThere(place));
  }

  /** The ids that came after a place, the oldest first. */
  *after(order = Number.NEGATIVE_INFINITY): Generator<string> {
    const places = this.#places;
    for (let index = this.#firstFrom(order); index < places.length; index += 1) {
      const place = places[index] as Place;
      if (place.order > order && this.#isThere(place)) yield place.id;
    }
  }

  /** The ids that came before a place, the newest first. */
  *before(order = Number.POSITIVE_INFINITY): Generator<string> {
    const places = this.#places;
    for (let index = this.#firstFrom(order) - 1; index >= 0; index -= 1) {
      const place = places[index] as Place;
      if (this.#isThere(place)) yield place.id;
    }
  }

  #isThere({ id, order }: Place): boolean {
    return this.#orders.get(id) === order;
  }

  /** The index of the first place that is not before `order`. */
  #firstFrom(order: number): number {
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#places[middle] as Place).order < order) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
