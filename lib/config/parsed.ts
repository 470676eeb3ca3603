import { positionAt } from '../model/json-mistake.js';

/** The content of a config file, and the paths of the keys that one of its objects has more than once. */
export interface Parsed {
  content: unknown;
  duplicates: string[];
}

/** A text that is not JSON, or not YAML, with the place of the first mistake in it. */
export class ConfigSyntaxError extends Error {
  /** Counted from 1, as editors do. */
  readonly line: number;
  readonly column: number;

  /** @param offset characters of `text` before the mistake */
  constructor(message: string, text: string, offset: number) {
    super(message.replaceAll('\n', '\\n'));
    this.name = 'ConfigSyntaxError';
    // A mistake at the end of the text is on its last line, not on the empty one after the last line break.
    const { line, column } = positionAt(text, Math.min(offset, text.replace(/[\r\n]+$/, '').length));
    this.line = line;
    this.column = column;
  }
}
