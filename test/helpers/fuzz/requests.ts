import type { Description } from 'joi';
import type { Route } from '../../../lib/server/route.js';
import type { Example } from '../endpoints.js';
import type { Random } from '../random.js';
import { bodyText, HOSTILE_TEXTS, mutated, valueFor } from './values.js';

export interface FuzzRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

const METHODS = ['GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'];

/** Replaces lone surrogates, which cannot be encoded. */
const wellFormed = (text: string): string => Buffer.from(text).toString();

/** Encodes the characters that Node's client rejects in a path. */
const inPath = (text: string): string =>
  text.replace(/[^!-~]/gu, (char) => encodeURIComponent(wellFormed(char)));
const inHeader = (text: string): string => text.replace(/[^\x20-\x7e]/g, '');

const segment = (good: string, random: Random): string => {
  if (random.chance(0.88)) return encodeURIComponent(good);
  const hostile = random.pick([
    ...HOSTILE_TEXTS,
    `${good}/..`,
    good.toUpperCase(),
    `${good}%00`,
    `${good}.`,
    good.slice(1),
  ]);
  return random.chance(0.5) ? encodeURIComponent(wellFormed(hostile)) : inPath(hostile);
};

const pathFor = ({ path }: Route, { params }: Example, random: Random): string => {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => segment(params[name] ?? '', random));
  if (random.chance(0.95)) return filled;
  return random.pick([
    `${filled}/`,
    `/${filled}`,
    `${filled}/../${filled}`,
    `${filled}%2f`,
    `${filled}/x`,
    '/',
  ]);
};

const queryFor = ({ query }: Route, example: Example, random: Random): string => {
  const keys = Object.entries((query?.describe().keys ?? {}) as Record<string, Description>);
  const pairs = Object.entries(example.query).map(([key, value]) => [key, String(value)]);
  for (const [key, description] of keys) {
    if (!random.chance(0.25)) continue;
    // Long waits are valid, but would slow down the test.
    const value = key === 'wait' ? random.pick([0, 0.01, -1, 'x']) : valueFor(description, random);
    pairs.push([key, typeof value === 'string' ? value : (JSON.stringify(value) ?? '')]);
  }
  if (random.chance(0.05)) pairs.push([random.pick(HOSTILE_TEXTS), random.pick(HOSTILE_TEXTS)]);
  const text = pairs
    .map((pair) => pair.map((each = '') => encodeURIComponent(wellFormed(each))).join('='))
    .join('&');
  if (random.chance(0.03)) return `?${inPath(random.pick(HOSTILE_TEXTS))}&${text}`;
  return text ? `?${text}` : '';
};

const HEADERS: readonly [name: string, values: readonly string[]][] = [
  ['idempotency-key', ['k1', 'k2', 'k3', 'with space', 'x'.repeat(300), '']],
  ['if-match', ['*', '"x"', 'W/"x"', '"a", "b"', '"', '']],
  ['if-none-match', ['*', '"x"']],
  ['accept-encoding', ['gzip', 'deflate', 'br', 'identity;q=0', '*;q=x', 'gzip;q=NaN']],
  ['accept', ['application/json', 'text/html', '*/*;q=0', ';;;']],
  ['range', ['bytes=0-1', 'bytes=-', 'lines=1-2']],
  ['cookie', ['a=b', '=;=;', '"']],
  ['authorization', ['Bearer x', 'Basic Og==', 'Digest', '']],
  ['content-encoding', ['gzip', 'x']],
  [
    'content-type',
    ['application/json', 'text/plain', 'multipart/form-data', 'application/json; charset=utf-16', ';'],
  ],
  ['x-http-method-override', ['DELETE']],
  ['x-forwarded-for', ['::1', 'x'.repeat(200)]],
  ['host', ['localhost', '', 'a b', 'x:99999', '[::1']],
  ['origin', ['null', 'http://evil.example']],
  ['last-event-id', ['1', 'x', '-1']],
];

const headersFor = (random: Random): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const [name, values] of HEADERS) if (random.chance(0.06)) headers[name] = random.pick(values);
  if (random.chance(0.02)) headers['x-any'] = inHeader(random.pick(HOSTILE_TEXTS));
  return headers;
};

const bodyFor = ({ payload }: Route, example: Example, random: Random): string | undefined => {
  if (random.chance(0.05)) return undefined;
  const bases = [
    () => example.payload,
    () => example.payload,
    () => (typeof payload === 'object' ? valueFor(payload.describe(), random) : null),
    () => mutated(example.payload, random),
  ];
  const value = random.pick(bases)();
  return bodyText(random.chance(0.3) ? mutated(value, random) : value, random);
};

/** Makes a request for a route, usually with some mistake. */
export const requestFor = (route: Route, example: Example, random: Random): FuzzRequest => {
  const method = random.chance(0.95) ? route.method : random.pick(METHODS);
  const takesBody = method !== 'GET' && method !== 'HEAD';
  return {
    method,
    path: `${pathFor(route, example, random)}${queryFor(route, example, random)}`,
    headers: headersFor(random),
    body: takesBody || random.chance(0.02) ? bodyFor(route, example, random) : undefined,
  };
};
