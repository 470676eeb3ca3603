import { posix } from 'node:path';
import { failureIn, Refusal } from '../../../rpc/protocol/refusal.js';
import type { Algorithm, Digests } from './digests.js';
import { describeSource, openSource, type SourceOptions } from './source.js';

const MAX_SUMS_BYTES = 4 * 2 ** 20;

const BY_LENGTH: Readonly<Record<number, Algorithm>> = { 64: 'sha256', 128: 'sha512' };

/** A line of sha256sum(1), and the same with `--tag`. A file with one sum may leave out the name. */
const PLAIN = /^\\?([0-9a-f]{64,128})(?:(?: [ *]|\s+)(.+))?$/i;
const TAGGED = /^\\?SHA(?:256|512) ?\((.+)\) ?= ?([0-9a-f]{64,128})$/i;

interface Line {
  sum: string;
  /** `undefined` for a sum without a name. */
  name: string | undefined;
}

const parseLine = (line: string): Line | undefined => {
  const [, taggedName, taggedSum] = TAGGED.exec(line) ?? [];
  if (taggedSum !== undefined && taggedName !== undefined) return { sum: taggedSum, name: taggedName };
  const [, sum, name] = PLAIN.exec(line) ?? [];
  return sum === undefined ? undefined : { sum, name };
};

/** The name of a source's file, without its directories and query. */
const fileNameOf = (source: string): string => {
  const path = URL.canParse(source) ? new URL(source).pathname : source;
  const name = posix.basename(path);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
};

/**
 * Finds the sums of a file in a file of sums, in the formats of sha256sum(1) and sha512sum(1).
 * @throws when it lists no sum for the file, or several
 */
export const findSums = (text: string, fileName: string): Digests => {
  const lines = text
    .split(/\r?\n/)
    .map((line) => parseLine(line.trim()))
    .filter((line) => line !== undefined && BY_LENGTH[line.sum.length] !== undefined) as Line[];
  const [only] = lines;
  const isBare = lines.length === 1 && only?.name === undefined;
  const listed = isBare
    ? lines
    : lines.filter(({ name }) => name !== undefined && posix.basename(name) === fileName);
  const digests: Digests = {};
  for (const { sum } of listed) {
    const algorithm = BY_LENGTH[sum.length] as Algorithm;
    const other = digests[algorithm];
    digests[algorithm] = sum.toLowerCase();
    if (other !== undefined && other !== digests[algorithm])
      throw new Refusal(
        'invalid',
        `lists several ${algorithm} sums for ${fileName}: give the right one as ${algorithm}`,
      );
  }
  if (listed.length === 0) throw new Refusal('invalid', `lists no sha256 or sha512 sum for ${fileName}`);
  return digests;
};

const readText = async (url: string, options: SourceOptions): Promise<string> => {
  const { bytes } = await openSource(url, options);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > MAX_SUMS_BYTES) throw new Refusal('invalid', `is larger than ${MAX_SUMS_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('latin1');
};

/**
 * Fetches a file of sums, and finds the sums of a source in it.
 * @throws when it cannot be fetched, or lists no sum for the source
 */
export const fetchSums = async (url: string, source: string, options: SourceOptions): Promise<Digests> => {
  if (source === '')
    throw new Refusal('invalid', 'a file of sums needs a "source" with the name to look up in it');
  try {
    return findSums(await readText(url, options), fileNameOf(source));
  } catch (error) {
    throw failureIn(`the file of sums ${describeSource(url)}`, error);
  }
};
