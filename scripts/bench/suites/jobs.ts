import axios from 'axios';
import { startAgent } from '../agent.js';
import { timeEach } from '../load.js';
import { type Running, using } from '../processes.js';
import { someGuest, writeState } from '../seed.js';
import type { Figure, Pace, Suite } from '../suite.js';
import { responseOf, startBare } from '../yardstick.js';

const TIMES = 200;
/** V8 needs this many jobs, one at a time, until it has optimized their code. */
const WARM_UP = 2000;

/** Measures the milliseconds from POST to `Complete` of one job at a time. */
export const endToEnd = ({ url }: Pick<Running, 'url'>, guestId: string, times = TIMES): Promise<number> =>
  timeEach(times, async () => {
    await axios.post(`${url}/guests/${guestId}/start?wait=30`, undefined, { proxy: false });
  });

const run = async ({ rounds }: Pace): Promise<Figure[]> => {
  const guest = someGuest();
  const agent = await startAgent((dbpath) => writeState(dbpath, [guest]));
  return using([agent], async () => {
    const request = { method: 'POST', path: `/guests/${guest.id}/start?wait=30`, status: 200 } as const;
    const bare = await startBare([await responseOf(agent.url, request)]);
    return using([bare], async () => {
      const [ours, theirs]: [number[], number[]] = [[], []];
      await endToEnd(agent, guest.id, WARM_UP);
      await endToEnd(bare, guest.id, WARM_UP);
      for (let round = 0; round < rounds; round += 1) {
        ours.push(await endToEnd(agent, guest.id));
        theirs.push(await endToEnd(bare, guest.id));
      }
      const name = 'from POST to Complete, an action that does nothing';
      return [{ name, unit: 'ms', values: ours, bare: theirs, target: { atMost: 4 } }];
    });
  });
};

export const jobs: Suite = {
  name: 'jobs',
  title: `One job at a time from POST to Complete: the median of ${TIMES}, after ${WARM_UP} to warm up`,
  run,
};
