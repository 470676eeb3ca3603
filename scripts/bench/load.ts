import autocannon from 'autocannon';
import { quantile } from './statistics.js';
import type { Pace } from './suite.js';

export const CONNECTIONS = 32;

/** One kind of request. */
export interface Request {
  method: 'GET' | 'POST';
  path: string;
  status: number;
  body?: string;
}

export interface Load {
  /** Requests a second. */
  rate: number;
  /** The 99th percentile of the response time, in milliseconds. */
  p99: number;
}

/** Keeps a server busy for some seconds. @throws when a response has another status, which spoils the figure */
export const load = async (
  url: string,
  { method, path, status, body }: Request,
  duration: number,
  connections = CONNECTIONS,
): Promise<Load> => {
  const result = await autocannon({
    url: `${url}${path}`,
    method,
    connections,
    duration,
    ...(body === undefined ? {} : { body }),
  });
  const odd = result.errors + result.timeouts + result.non2xx;
  if (odd > 0) throw new Error(`${method} ${path}: ${odd} responses did not have status ${status}`);
  return { rate: result.requests.total / result.duration, p99: result.latency.p99 };
};

/** A server under load. */
export interface Loaded {
  url: string;
  request: Request;
  /** Called before and after each load, including the warm-up. */
  begins?: () => Promise<void>;
  ended?: () => Promise<void>;
}

/**
 * Loads several servers in turns, so that other work on the machine affects all of them.
 * @returns the rounds of each server
 */
export const loadInTurn = async (
  targets: readonly Loaded[],
  { rounds, seconds, warmUpSeconds }: Pace,
): Promise<Load[][]> => {
  const loadOne = async ({ url, request, begins, ended }: Loaded, duration: number): Promise<Load> => {
    await begins?.();
    const result = await load(url, request, duration);
    await ended?.();
    return result;
  };
  for (const target of targets) await loadOne(target, warmUpSeconds);
  const results: Load[][] = targets.map(() => []);
  for (let round = 0; round < rounds; round += 1)
    for (const [index, target] of targets.entries()) results[index]?.push(await loadOne(target, seconds));
  return results;
};

/** Returns the median of the milliseconds that `work` takes, run one at a time. */
export const timeEach = async (times: number, work: () => Promise<void>): Promise<number> => {
  const took: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const startedAt = performance.now();
    await work();
    took.push(performance.now() - startedAt);
  }
  return quantile(took, 0.5);
};
