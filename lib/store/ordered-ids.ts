interface Position {
  id: string;
  order: number;
}

/** Ids in the order of their insertion, readable from any position: the cost of a page depends on its length alone. */
export class OrderedIds {
  /** Ascending. Removed ids stay in it until they are the majority. */
  #positions: Position[] = [];
  readonly #orders = new Map<string, number>();

  get size(): number {
    return this.#orders.size;
  }

  has(id: string): boolean {
    return this.#orders.has(id);
  }

  /** Returns the position of an id, for {@link after} and {@link before}. */
  orderOf(id: string): number | undefined {
    return this.#orders.get(id);
  }

  /** @param order higher than that of every earlier id */
  add(id: string, order: number): void {
    this.#positions.push({ id, order });
    this.#orders.set(id, order);
  }

  delete(id: string): void {
    if (this.#orders.delete(id) && this.#positions.length > 2 * this.#orders.size + 32)
      this.#positions = this.#positions.filter((position) => this.#isCurrent(position));
  }

  /** Yields the ids after a position, oldest first. */
  *after(order = Number.NEGATIVE_INFINITY): Generator<string> {
    const positions = this.#positions;
    for (let index = this.#firstFrom(order); index < positions.length; index += 1) {
      const position = positions[index] as Position;
      if (position.order > order && this.#isCurrent(position)) yield position.id;
    }
  }

  /** Yields the ids before a position, newest first. */
  *before(order = Number.POSITIVE_INFINITY): Generator<string> {
    const positions = this.#positions;
    for (let index = this.#firstFrom(order) - 1; index >= 0; index -= 1) {
      const position = positions[index] as Position;
      if (this.#isCurrent(position)) yield position.id;
    }
  }

  #isCurrent({ id, order }: Position): boolean {
    return this.#orders.get(id) === order;
  }

  /** Returns the index of the first position that is not before `order`, by binary search. */
  #firstFrom(order: number): number {
    let [low, high] = [0, this.#positions.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#positions[middle] as Position).order < order) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
