import { setTimeout as delay } from 'node:timers/promises';
import { SerialConsole } from '../../demo/serial-console.js';
import { shareOfCore } from '../at-rest.js';
import { typeLine } from '../guest-console.js';
import { using } from '../processes.js';
import { type RealAgent, startRealAgent } from '../real-agent.js';
import type { Figure, Pace, Suite } from '../suite.js';
import { type Member, requireTruth, untilOneReported, untilReported } from '../truth.js';

/** All guests boot Linux at once, possibly without KVM. */
const BOOT_SECONDS = 900;
const SETTLE_MS = 60_000;
/** The least memory that the tiny Linux boots with. */
const MEMORY_MB = 96;
const JOB_SECONDS = 120;
/** The pause after the last boot. */
const CALM_MS = 5000;
/** The number of guests in each step. */
const HIT = 5;

/** Derives the size of the fleet from the pace: 50 guests and a minute by default. */
const GUESTS_PER_ROUND = 10;
const REST_PER_SECOND = 15;

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};

const oneByOne = async <Item>(
  items: readonly Item[],
  measure: (item: Item) => Promise<number>,
): Promise<number[]> => {
  const values: number[] = [];
  for (const item of items) values.push(await measure(item));
  return values;
};

/** Creates all guests at once, and waits until each has booted. */
const createAll = async (
  agent: RealAgent,
  guests: number,
): Promise<{ members: Member[]; figures: Figure[] }> => {
  const { client, image } = agent;
  const startedAt = performance.now();
  const wanted = Array.from({ length: guests }, async () => {
    const { body } = await client.guests.create({ memory: MEMORY_MB, cpu: 1, disks: [{ image }] });
    return body.id;
  });
  const ids = await Promise.all(wanted);
  const accepted = performance.now() - startedAt;
  await untilReported(agent, ids, 'running', BOOT_SECONDS * 1000);
  const running = performance.now() - startedAt;
  for (const id of ids)
    await new SerialConsole(agent.serialLog(id)).waitFor('mistify-guest: up', { seconds: BOOT_SECONDS });
  const up = performance.now() - startedAt;
  const members = ids.map(async (id) => ({ id, pid: (await agent.qemuOf(id)) ?? 0 }));
  return {
    members: await Promise.all(members),
    figures: [
      { name: `${guests} × POST /guests at once until all are accepted`, unit: 'ms', values: [accepted] },
      { name: '… until all are reported as running', unit: 'ms', values: [running] },
      { name: '… until Linux is up in all', unit: 'ms', values: [up] },
    ],
  };
};

const hit = async (agent: RealAgent, members: readonly Member[]): Promise<Figure[]> => {
  const { client } = agent;
  const [killed = [], inside = [], suspended = []] = [0, 1, 2].map((n) =>
    members.slice(n * HIT, (n + 1) * HIT),
  );
  const ids = (list: readonly Member[]): string[] => list.map(({ id }) => id);
  const crashes = await oneByOne(killed, (member) => {
    process.kill(member.pid, 'SIGKILL');
    return untilOneReported(agent, member.id, 'crashed', SETTLE_MS);
  });
  for (const { id } of inside) await typeLine(agent, id, 'poweroff');
  await untilReported(agent, ids(inside), 'shutoff', SETTLE_MS);
  const suspends = await oneByOne(suspended, ({ id }) =>
    timed(() => client.guests.perform(id, 'suspend', { wait: JOB_SECONDS })),
  );
  await requireTruth(agent, members);
  const resumes = await oneByOne(suspended, ({ id }) =>
    timed(() => client.guests.perform(id, 'resume', { wait: JOB_SECONDS })),
  );
  await requireTruth(agent, members);
  return [
    { name: "a QEMU's SIGKILL until its guest is reported as crashed", unit: 'ms', values: crashes },
    { name: 'POST …/suspend?wait', unit: 'ms', values: suspends },
    { name: 'POST …/resume?wait', unit: 'ms', values: resumes },
  ];
};

const stopAndStart = async (agent: RealAgent, members: readonly Member[]): Promise<Figure[]> => {
  const { client } = agent;
  const chosen = members.slice(-HIT);
  const act = (action: 'shutdown' | 'start' | 'poweroff') =>
    oneByOne(chosen, ({ id }) => timed(() => client.guests.perform(id, action, { wait: JOB_SECONDS })));
  const shutdowns = await act('shutdown');
  await requireTruth(agent, members);
  const starts = await act('start');
  const poweroffs = await act('poweroff');
  await requireTruth(agent, members);
  return [
    { name: 'POST …/shutdown?wait', unit: 'ms', values: shutdowns },
    { name: 'POST …/start?wait', unit: 'ms', values: starts },
    { name: 'POST …/poweroff?wait', unit: 'ms', values: poweroffs },
  ];
};

const SCRAPE_MS = 15_000;
const SCRAPES = 10;

const scrape = async ({ url }: RealAgent): Promise<number> =>
  timed(async () => {
    const answer = await fetch(`${url}/metrics`);
    const text = await answer.text();
    if (!answer.ok || !text.includes('mistify_guest_cpu_seconds_total{'))
      throw new Error(`GET /metrics: ${answer.status}, without the guests' counters`);
  });

/** Measures under the load of a production host: one Prometheus server, and one follower of events. */
const watched = async (agent: RealAgent, seconds: number): Promise<Figure[]> => {
  const end = new AbortController();
  const follow = async (): Promise<void> => {
    for await (const _ of agent.client.events({ signal: end.signal }));
  };
  const following = follow().catch(() => undefined);
  const scraping = setInterval(() => void scrape(agent), SCRAPE_MS);
  try {
    return await shareOfCore(agent, seconds, 'scraped each 15 s, events followed');
  } finally {
    clearInterval(scraping);
    end.abort();
    await following;
  }
};

const run = async ({ rounds, seconds }: Pace): Promise<Figure[]> => {
  const [guests, restSeconds] = [rounds * GUESTS_PER_ROUND, seconds * REST_PER_SECOND];
  const agent = await startRealAgent();
  return using([agent], async () => {
    const { members, figures } = await createAll(agent, guests);
    await requireTruth(agent, members);
    await delay(CALM_MS);
    figures.push(...(await shareOfCore(agent, restSeconds, 'at rest')));
    figures.push(...(await watched(agent, restSeconds)));
    const scrapes = await oneByOne(Array.from({ length: SCRAPES }), () => scrape(agent));
    figures.push({ name: `GET /metrics with ${guests} guests`, unit: 'ms', values: scrapes });
    figures.push(...(await hit(agent, members)), ...(await stopAndStart(agent, members)));
    return figures;
  });
};

/** Fails when the agent reports a wrong state. */
export const fleet: Suite = {
  name: 'fleet',
  title: 'Many real guests at once: whether their reported states are true, and what the agent uses',
  onlyWhenNamed: true,
  run,
};
