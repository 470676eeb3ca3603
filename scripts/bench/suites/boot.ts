import { join } from 'node:path';
import { QmpClient } from '../../../lib/qmp/client.js';
import { clearByHand, prepareByHand, startByHand } from '../by-hand.js';
import { type Boot, bootByAgent, until, untilWritten } from '../first-boot.js';
import { using } from '../processes.js';
import { startRealAgent } from '../real-agent.js';
import type { Figure, Pace, Suite } from '../suite.js';

/** Boots per round of the pace: their times vary more than other figures. */
const BOOTS = 4;
const AT_MOST_TIMES = 1.1;
const answers = async (socket: string): Promise<boolean> => {
  const qmp = await QmpClient.connect(socket).catch(() => undefined);
  qmp?.close();
  return qmp !== undefined;
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
