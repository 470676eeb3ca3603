import { EventEmitter } from 'node:events';

/** What a sub-agent could not do and retries, in sentences. Its guests are not affected. */
export class Problems extends EventEmitter<{ changed: [string[]] }> {
  readonly #problems = new Map<string, string>();

  all(): string[] {
    return [...this.#problems.values()];
  }

  /**
   * Replaces the problem of a part, or removes it, and emits `changed` if it differs from the last one.
   * @param part a name of the caller's own
   */
  set(part: string, problem: string | undefined): void {
    if (this.#problems.get(part) === problem) return;
    if (problem === undefined) this.#problems.delete(part);
    else this.#problems.set(part, problem);
    this.emit('changed', this.all());
  }
}
