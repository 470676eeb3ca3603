import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../../lib/async/deadline.js';
import { errorMessage } from '../../../lib/errors.js';
import { Random } from '../../helpers/random.js';
import { cause, type FaultPlan } from './faults.js';
import type { Totals } from './owner.js';
import type { World } from './world.js';

export interface ChaosOptions {
  rounds: number;
  seed: number;
  /** How long clients and faults last in each round. */
  seconds: number;
  guests: number;
}

/** A client that works on a guest of its own. */
export interface Worker {
  id: string;
  /** What happened in this round, for a report. */
  readonly story: string[];
  readonly violations: string[];
  /** Requests actions until `until`. Ends once all of them have ended. */
  work: (random: Random, until: number) => Promise<void>;
}

/** What clients do, what fails meanwhile, and what must hold afterwards. */
export interface Scenario<Client extends Worker> extends FaultPlan {
  makeClient: (world: World, totals: Totals) => Client;
  /** Compares what the agent says with what is there; most thoroughly after the last round. Returns the differences. */
  compare: (world: World, clients: readonly Client[], isLast: boolean) => Promise<string[]>;
}

export interface Outcome extends Totals {
  rounds: number;
  faults: number;
  violations: string[];
}

/** How long the clients may take once the faults are over, and how long everything may take to come to rest. */
const WORK_MS = 300_000;
const READY_MS = 90_000;
const REST_MS = 45_000;
const POLL_MS = 250;

/** Repeats `probe` until it finds nothing, or time is up. Returns what it found last. */
const settled = async (ms: number, probe: () => Promise<string[]>): Promise<string[]> => {
  const giveUpAt = Date.now() + ms;
  for (;;) {
    const found = await probe().catch((error: unknown) => [errorMessage(error)]);
    if (found.length === 0 || Date.now() > giveUpAt) return found;
    await delay(POLL_MS);
  }
};

/** Numbers for the clients and faults of one round, whatever their timing. */
const randomOf = (seed: number, round: number, part: number): Random =>
  new Random(seed * 1_000_003 + round * 1009 + part);

/** Runs one round: clients and faults at once, then rest, then the comparison. */
const runRound = async <Client extends Worker>(
  world: World,
  scenario: Scenario<Client>,
  owners: readonly Client[],
  { seed, seconds, rounds }: ChaosOptions,
  round: number,
): Promise<{ faults: string[]; violations: string[] }> => {
  const faults: string[] = [];
  const until = Date.now() + seconds * 1000;
  for (const owner of owners) owner.story.length = 0;
  const working = Promise.all(owners.map((owner, n) => owner.work(randomOf(seed, round, n + 1), until)));
  await cause(world, scenario, randomOf(seed, round, 0), until, (words) => {
    faults.push(words);
    world.note(words);
  });
  await world.heal();
  const unfinished = await waitFor(working, undefined, {
    ms: WORK_MS,
    expired: () => new Error(`the clients still wait ${WORK_MS / 1000} s after the last fault`),
  }).then(
    () => [],
    (error: unknown) => [errorMessage(error)],
  );
  // A fault that began before the healing may have left something since.
  await world.heal();
  const ready = await settled(READY_MS, async () => ((await world.isReady()) ? [] : ['/readyz is not ok']));
  const found = await settled(REST_MS, () => scenario.compare(world, owners, round === rounds));
  const own = owners.flatMap(({ violations }) => violations.splice(0));
  return { faults, violations: [...unfinished, ...ready, ...own, ...found] };
};

/**
 * Runs rounds until one has violations.
 * @param print gets a line for each round, and for each violation
 */
export const runRounds = async <Client extends Worker>(
  world: World,
  scenario: Scenario<Client>,
  options: ChaosOptions,
  print: (line: string) => void,
): Promise<Outcome> => {
  const totals = { accepted: 0, refused: 0, completed: 0, failed: 0 };
  const owners = Array.from({ length: options.guests }, () => scenario.makeClient(world, totals));
  let faults = 0;
  for (let round = 1; round <= options.rounds; round += 1) {
    world.note(`round ${round}`);
    const { faults: happened, violations } = await runRound(world, scenario, owners, options, round);
    faults += happened.length;
    print(`round ${round}: ${happened.join('; ') || 'no fault'}; ${totals.accepted} actions so far`);
    if (violations.length === 0) continue;
    for (const owner of owners) print(`  guest ${owner.id}: ${owner.story.join(' | ')}`);
    for (const words of violations) print(`VIOLATION (seed ${options.seed}, round ${round}): ${words}`);
    return { ...totals, rounds: round, faults, violations };
  }
  return { ...totals, rounds: options.rounds, faults, violations: [] };
};
