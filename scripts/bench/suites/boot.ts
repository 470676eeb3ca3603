import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { QmpClient } from '../../../lib/qmp/client.js';
import { clearByHand, commandOf, prepareByHand, startByHand } from '../by-hand.js';
import { using } from '../processes.js';
import { type RealAgent, startRealAgent } from '../real-agent.js';
import type { Figure, Pace, Suite } from '../suite.js';

/** Boots per round of the pace: their times vary more than other figures. */
const BOOTS = 4;
const AT_MOST_TIMES = 1.1;
const POLL_MS = 1;
const BOOT_MS = 120_000;
const MEMORY_MB = 128;
const JOB_SECONDS = 60;

/** Milliseconds since the request or the start. */
interface Boot {
  /** Until the guest is reported as running, or its QEMU accepts commands. */
  ready: number;
  /** Until the first byte on its serial console. */
  spoke: number;
}

/** Polls until `ask` has a result. Returns the milliseconds since `startedAt`. */
const until = async (startedAt: number, what: string, ask: () => Promise<boolean>): Promise<number> => {
  for (;;) {
    const answer = await ask();
    const passed = performance.now() - startedAt;
    if (answer) return passed;
    if (passed > BOOT_MS) throw new Error(`${what}: nothing in ${BOOT_MS / 1000} s`);
    await delay(POLL_MS);
  }
};

const untilWritten = (path: string, startedAt: number): Promise<number> =>
  until(startedAt, path, async () => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0);

const answers = async (socket: string): Promise<boolean> => {
  const qmp = await QmpClient.connect(socket).catch(() => undefined);
  qmp?.close();
  return qmp !== undefined;
};

/** Boots a guest through the API and deletes it. Returns the times and its QEMU's command line. */
const bootByAgent = async (agent: RealAgent): Promise<Boot & { command: string[] }> => {
  const { client, image } = agent;
  const id = crypto.randomUUID();
  const spec = { id, memory: MEMORY_MB, cpu: 1, disks: [{ image }] };
  const startedAt = performance.now();
  const created = client.guests.create(spec, { wait: JOB_SECONDS }).then(() => performance.now() - startedAt);
  try {
    const [spoke, ready] = await Promise.all([untilWritten(agent.serialLog(id), startedAt), created]);
    const pid = await agent.qemuOf(id);
    if (pid === undefined) throw new Error(`guest ${id} has no QEMU`);
    return { ready, spoke, command: await commandOf(pid) };
  } finally {
    await client.guests.delete(id, { wait: JOB_SECONDS });
  }
};

/** Boots a guest by hand on an existing overlay. */
const bootByHand = async (command: readonly string[], image: string): Promise<Boot> => {
  const scratch = await prepareByHand(image);
  const startedAt = performance.now();
  const qemu = startByHand(command, scratch);
  try {
    const monitor = join(scratch.dir, 'qmp.sock');
    const [spoke, ready] = await Promise.all([
      untilWritten(scratch.serialLog, startedAt),
      until(startedAt, monitor, () => answers(monitor)),
    ]);
    return { ready, spoke };
  } finally {
    await clearByHand(qemu, scratch);
  }
};

const run = async ({ rounds }: Pace): Promise<Figure[]> => {
  const agent = await startRealAgent();
  const [api, hand]: [Boot[], Boot[]] = [[], []];
  await using([agent], async () => {
    const image = join(agent.dbpath, 'storage/images', `${agent.image}.qcow2`);
    // This also warms the host up.
    const { command } = await bootByAgent(agent);
    const ways = [
      async () => void api.push(await bootByAgent(agent)),
      async () => void hand.push(await bootByHand(command, image)),
    ];
    for (let round = 0; round < rounds * BOOTS; round += 1)
      for (const way of round % 2 ? ways : ways.toReversed()) await way();
  });
  const times = (name: string, values: number[]): Figure => ({ name, unit: 'ms', values });
  return [
    times(
      'POST /guests to the first serial output',
      api.map(({ spoke }) => spoke),
    ),
    times(
      'QEMU by hand to the first serial output',
      hand.map(({ spoke }) => spoke),
    ),
    {
      name: 'the first over the second, round by round',
      unit: 'times',
      values: api.map(({ spoke }, round) => spoke / (hand[round]?.spoke ?? Number.NaN)),
      target: { atMost: AT_MOST_TIMES },
    },
    times(
      'POST /guests?wait to its response',
      api.map(({ ready }) => ready),
    ),
    times(
      'QEMU by hand until it takes commands',
      hand.map(({ ready }) => ready),
    ),
  ];
};

/** Boots one guest each way per round, alternating the order. */
export const boot: Suite = {
  name: 'boot',
  title: 'A real guest from POST /guests to its first serial output, next to the same QEMU started by hand',
  onlyWhenNamed: true,
  run,
};
