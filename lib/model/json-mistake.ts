import { errorMessage } from '../errors.js';

/** The form of all messages of lossless-json; the position counts characters from 0. */
const LOSSLESS_MESSAGE = /^(?<mistake>.*) at position (?<offset>\d+)$/s;

/** What is wrong with a text, and the number of characters before it. */
export interface JsonMistake {
  mistake: string;
  offset: number;
}

/**
 * Finds the mistake in a text that `JSON.parse` rejects: Node's own message states the position only sometimes.
 * @returns `undefined` when the text can be parsed after all, or is nested too deeply
 */
export const findJsonMistake = async (text: string): Promise<JsonMistake | undefined> => {
  const { parse } = await import('lossless-json');
  try {
    parse(text, null, { onDuplicateKey: () => undefined });
  } catch (error) {
    const { mistake, offset } = LOSSLESS_MESSAGE.exec(errorMessage(error))?.groups ?? {};
    if (mistake !== undefined) return { mistake, offset: Number(offset) };
  }
  return undefined;
};

/** The line and the column after `offset` characters, counted from 1 as editors do. */
export const positionAt = (text: string, offset: number): { line: number; column: number } => {
  const lines = text.slice(0, offset).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
};
