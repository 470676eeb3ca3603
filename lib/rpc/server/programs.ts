import { EventEmitter } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import type { HostProgram } from '../../model/host-program.js';

/** The programs that a sub-agent works with, and their versions. */
export class Programs extends EventEmitter<{ changed: [HostProgram[]] }> {
  #programs: readonly HostProgram[] = [];

  all(): HostProgram[] {
    return [...this.#programs];
  }

  /** Replaces the programs, and emits `changed` if they differ from the last ones. */
  replace(programs: readonly HostProgram[]): void {
    if (isDeepStrictEqual(programs, this.#programs)) return;
    this.#programs = programs;
    this.emit('changed', this.all());
  }
}
