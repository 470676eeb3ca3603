import { isUtf8 } from 'node:buffer';
import type { Encoding, ExecRequest } from './exec.js';

/** How much longer than its bytes the JSON of a text may be; every NUL, for example, takes six characters. */
const MAX_EXPANSION = 1.75;
/** Shorter texts may expand as they like. */
const SHORT_BYTES = 64 * 1024;

/** Bytes in a string of JSON. */
export interface Encoded {
  text: string;
  encoding: Encoding;
}

/** Carries bytes as text if they are UTF-8 without NUL, in base64 otherwise. */
export const encodeBytes = (bytes: Buffer): Encoded => {
  const inBase64 = (): Encoded => ({ text: bytes.toString('base64'), encoding: 'base64' });
  if (!isUtf8(bytes) || bytes.includes(0)) return inBase64();
  const text = bytes.toString();
  const isCompact =
    bytes.length <= SHORT_BYTES || JSON.stringify(text).length <= bytes.length * MAX_EXPANSION;
  return isCompact ? { text, encoding: 'text' } : inBase64();
};

/** Returns the bytes that a string of JSON carries. */
export const decodeBytes = (text: string, encoding: Encoding = 'text'): Buffer =>
  Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf8');

/** Returns the standard input of a program; `undefined` without one. */
export const inputOf = ({ input, inputEncoding }: ExecRequest): Buffer | undefined =>
  input === undefined ? undefined : decodeBytes(input, inputEncoding);
