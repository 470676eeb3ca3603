import { isLosslessNumber, parse as parseLossless } from 'lossless-json';
import { errorMessage } from '../../errors.js';
import { kindOfFailure } from './refusal.js';

/** A JSON-RPC 1.0 call. `id` is the JSON text of the caller's id, digit for digit. */
export interface Call {
  method: string;
  params: unknown;
  id: string;
}

/** Callers in Go, like ours, put the id last, so its digits can be read from the end of the text. */
const TRAILING_ID = /"id"\s*:\s*(-?\d+)\s*\}\s*$/;

const idText = (text: string, id: unknown): string => {
  if (typeof id !== 'number') return JSON.stringify(id ?? null);
  const digits = TRAILING_ID.exec(text)?.[1];
  if (digits !== undefined) return digits;
  const exact = (parseLossless(text) as { id?: unknown }).id;
  return isLosslessNumber(exact) ? exact.value : String(id);
};

/**
 * Decodes a call.
 * @throws {SyntaxError} when the text is not JSON, {TypeError} when it is not a call with one parameter
 */
export const decodeCall = (text: string): Call => {
  const call: unknown = JSON.parse(text);
  if (typeof call !== 'object' || call === null || Array.isArray(call))
    throw new TypeError('not a JSON-RPC call');
  const { method, params, id } = call as Record<string, unknown>;
  if (typeof method !== 'string') throw new TypeError('a call needs a method');
  if (!Array.isArray(params) || params.length !== 1)
    throw new TypeError('params must be an array of one request');
  return { method, params: params[0], id: idText(text, id) };
};

export const encodeCall = (method: string, request: unknown, id: number): string =>
  `{"method":${JSON.stringify(method)},"params":[${JSON.stringify(request)}],"id":${id}}`;

export const encodeResult = (result: unknown, id: string): string =>
  `{"result":${JSON.stringify(result ?? null)},"error":null,"id":${id}}`;

/** Encodes a failure: its message and, for a `Refusal`, its kind. */
export const encodeError = (failure: unknown, id: string): string => {
  const kind = kindOfFailure(failure);
  const named = kind ? `"kind":"${kind}",` : '';
  return `{"result":null,"error":${JSON.stringify(errorMessage(failure))},${named}"id":${id}}`;
};
