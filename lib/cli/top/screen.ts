import logUpdate from 'log-update';
import { fitLines } from './fit-lines.js';

// For a terminal that reports its size as 0.
const DEFAULT_ROWS = 24;
const DEFAULT_COLUMNS = 80;

/** A terminal on which each drawing replaces the one before. */
export class Screen {
  readonly #stream: typeof process.stdout;
  #head: readonly string[] = [];
  #lines: readonly string[] = [];

  constructor(stream: typeof process.stdout) {
    this.#stream = stream;
    stream.on('resize', this.#redraw);
  }

  /**
   * Draws as many lines as fit.
   * @param head lines above them, which are always shown
   */
  draw(head: readonly string[], lines: readonly string[]): void {
    this.#head = head;
    this.#lines = lines;
    const { rows, columns } = this.#stream;
    logUpdate(fitLines(head, lines, { rows: rows || DEFAULT_ROWS, columns: columns || DEFAULT_COLUMNS }));
  }

  /** Stops drawing and leaves the last drawing on the terminal. */
  close(): void {
    this.#stream.off('resize', this.#redraw);
    logUpdate.done();
  }

  // The terminal may have wrapped the lines differently, so erase everything first.
  #redraw = (): void => {
    logUpdate.clear();
    this.draw(this.#head, this.#lines);
  };
}
