import logUpdate from 'log-update';
import { fitted } from './fit-lines.js';

// Those of a terminal that does not know its size: it says 0.
const ROWS = 24;
const COLUMNS = 80;

/** A terminal, on which what is drawn takes the place of what was drawn before. */
export class Screen {
  readonly #stream: typeof process.stdout;
  #head: readonly string[] = [];
  #lines: readonly string[] = [];

  constructor(stream: typeof process.stdout) {
    this.#stream = stream;
    stream.on('resize', this.#redraw);
  }

  /**
   * As much as there is room for.
   * @param head the lines that are shown in any case
   */
  draw(head: readonly string[], lines: readonly string[]): void {
    this.#head = head;
    this.#lines = lines;
    const { rows, columns } = this.#stream;
    logUpdate(fitted(head, lines, { rows: rows || ROWS, columns: columns || COLUMNS }));
  }

  /** Leaves there what was drawn last. */
  close(): void {
    this.#stream.off('resize', this.#redraw);
    logUpdate.done();
  }

  // What was drawn may have moved meanwhile: nothing of it can be kept.
  #redraw = (): void => {
    logUpdate.clear();
    this.draw(this.#head, this.#lines);
  };
}
