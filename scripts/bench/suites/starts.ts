import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isErrno } from '../../../lib/errors.js';
import { typeLine } from '../guest-console.js';
import { using } from '../processes.js';
import { type RealAgent, startRealAgent } from '../real-agent.js';
import { ratios } from '../statistics.js';
import type { Figure, Pace, Suite } from '../suite.js';

const MEMORY_MB = 128;
const JOB_SECONDS = 600;
/** Ten guests that boot at once on two cores. */
const ANSWER_MS = 300_000;
const TOGETHER = 10;
/** More rounds of ten boots would take a quarter of an hour. */
const MAX_ROUNDS_TOGETHER = 3;
const POLL_MS = 2;
const TYPE_EVERY_MS = 100;
const KB_PER_MB = 1024;

const UP = 'mistify-guest: up';
/** The guest prints its answer, and its console echoes the line that was typed: the two must differ. */
const QUESTION = 'echo "answer" $((6 * 7))';
const ANSWER = 'answer 42';

/** How a clone starts: it resumes with the memory of its template, or boots. */
type Way = 'warm' | 'cold';

const logOf = (agent: RealAgent, id: string): string => {
  try {
    return readFileSync(agent.serialLog(id), 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return '';
    throw error;
  }
};

/** Types a line on a guest's serial console until the guest answers. One that boots gets none before it is up. */
const untilAnswer = async (agent: RealAgent, id: string, way: Way): Promise<void> => {
  const giveUpAt = performance.now() + ANSWER_MS;
  let typedAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    const log = logOf(agent, id);
    if (log.includes(ANSWER)) return;
    const now = performance.now();
    if (now > giveUpAt) throw new Error(`guest ${id} does not answer`);
    if (now - typedAt >= TYPE_EVERY_MS && (way === 'warm' || log.includes(UP)))
      await typeLine(agent, id, QUESTION).then(
        () => {
          typedAt = now;
        },
        () => undefined,
      );
    await delay(POLL_MS);
  }
};

/** Makes a clone that starts, and returns its id and the milliseconds until it answers. */
const startOne = async (
  agent: RealAgent,
  template: string,
  way: Way,
): Promise<{ id: string; ms: number }> => {
  const startedAt = performance.now();
  const { body } = await agent.client.guests.clone(template, { start: true, warm: way === 'warm' });
  await untilAnswer(agent, body.id, way);
  const ms = performance.now() - startedAt;
  const hasBooted = logOf(agent, body.id).includes(UP);
  if (hasBooted !== (way === 'cold')) throw new Error(`clone ${body.id} was to start ${way}, and did not`);
  return { id: body.id, ms };
};

const remove = async ({ client }: RealAgent, ids: readonly string[]): Promise<void> => {
  await Promise.all(ids.map((id) => client.guests.delete(id, { wait: JOB_SECONDS })));
};

/** Reads a process's share of the memory that it uses, in MB. */
const pssOf = async (pid: number): Promise<number> => {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1]) / KB_PER_MB;
};

const alone = async (agent: RealAgent, template: string, way: Way): Promise<number> => {
  const { id, ms } = await startOne(agent, template, way);
  await remove(agent, [id]);
  return ms;
};

interface Together {
  /** The time of the slowest. */
  slowest: number;
  /** MB of all. */
  pss: number;
}

const together = async (agent: RealAgent, template: string, way: Way): Promise<Together> => {
  const started = await Promise.all(Array.from({ length: TOGETHER }, () => startOne(agent, template, way)));
  const pids = await Promise.all(started.map(({ id }) => agent.qemuOf(id)));
  const shares = await Promise.all(pids.map((pid) => pssOf(pid ?? 0)));
  await remove(
    agent,
    started.map(({ id }) => id),
  );
  return {
    slowest: Math.max(...started.map(({ ms }) => ms)),
    pss: shares.reduce((sum, share) => sum + share, 0),
  };
};

/** Makes a warm template of the tiny Linux. */
const makeTemplate = async ({ client, image }: RealAgent): Promise<string> => {
  const wait = { wait: JOB_SECONDS };
  const { body } = await client.guests.create({ memory: MEMORY_MB, cpu: 1, disks: [{ image }] }, wait);
  await client.guests.perform(body.id, 'poweroff', wait);
  await client.guests.update(body.id, { template: true }, wait);
  await client.guests.warm(body.id, { ready: { serial: UP }, randomness: 'shared' }, wait);
  return body.id;
};

const WAYS: readonly Way[] = ['warm', 'cold'];

/** Measures both ways once per round, alternating the order. */
const rounds = async <Result>(
  count: number,
  measure: (way: Way) => Promise<Result>,
): Promise<Record<Way, Result[]>> => {
  const results: Record<Way, Result[]> = { warm: [], cold: [] };
  for (let round = 0; round < count; round += 1)
    for (const way of round % 2 ? WAYS : WAYS.toReversed()) results[way].push(await measure(way));
  return results;
};

const ratio = (name: string, warm: number[], cold: number[], atMost: number): Figure => ({
  ...{ name, unit: 'times', target: { atMost } },
  values: ratios(warm, cold),
});

const run = async (pace: Pace): Promise<Figure[]> => {
  const agent = await startRealAgent();
  return using([agent], async () => {
    const template = await makeTemplate(agent);
    // The first start makes the shared copy of the memory; both also warm the host up.
    for (const way of WAYS) await alone(agent, template, way);
    const one = await rounds(pace.rounds, (way) => alone(agent, template, way));
    const ten = await rounds(Math.min(pace.rounds, MAX_ROUNDS_TOGETHER), (way) =>
      together(agent, template, way),
    );
    const slowest = (way: Way): number[] => ten[way].map((each) => each.slowest);
    const pss = (way: Way): number[] => ten[way].map((each) => each.pss);
    return [
      { name: 'clone and start, cold, until it answers', unit: 'ms', values: one.cold },
      { name: '… warm', unit: 'ms', values: one.warm },
      ratio('… warm over cold, round by round', one.warm, one.cold, 0.12),
      { name: `${TOGETHER} at once, cold, the slowest`, unit: 'ms', values: slowest('cold') },
      { name: '… warm', unit: 'ms', values: slowest('warm') },
      ratio('… warm over cold, round by round', slowest('warm'), slowest('cold'), 0.06),
      { name: `memory of ${TOGETHER}, cold (PSS)`, unit: 'MB', values: pss('cold') },
      { name: '… warm', unit: 'MB', values: pss('warm') },
      ratio('… warm over cold, round by round', pss('warm'), pss('cold'), 0.25),
    ];
  });
};

/** Starts clones of one template both ways in each round. */
export const starts: Suite = {
  name: 'starts',
  title: 'Clones of a warm template that resume, next to the same clones that boot',
  onlyWhenNamed: true,
  run,
};
