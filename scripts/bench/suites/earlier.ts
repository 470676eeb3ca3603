import axios from 'axios';
import { packageRoot } from '../../../lib/files/package-root.js';
import { CONFIG } from '../agent.js';
import { EARLIER_BUILD, startBuild } from '../build.js';
import { type Loaded, loadInTurn, type Request } from '../load.js';
import { type Running, using } from '../processes.js';
import { ratios } from '../statistics.js';
import type { Figure, Pace, Suite } from '../suite.js';
import { endToEnd } from './jobs.js';

const GUESTS = 100;
const WARM_UP_JOBS = 2000;
/** No line may become slower than this share of the earlier build. */
const TARGET = { atLeast: 0.9 };

interface Line {
  name: string;
  request: (guestId: string) => Request;
}

const LINES: readonly Line[] = [
  { name: 'one guest', request: (id) => ({ method: 'GET', path: `/guests/${id}`, status: 200 }) },
  {
    name: `list of ${GUESTS} guests`,
    request: () => ({ method: 'GET', path: `/guests?limit=${GUESTS}`, status: 200 }),
  },
  {
    name: 'cpu metrics, one call to a sub-agent',
    request: (id) => ({ method: 'GET', path: `/guests/${id}/metrics/cpu`, status: 200 }),
  },
  {
    name: 'create a guest: job submission, durable',
    request: () => ({ method: 'POST', path: '/guests', status: 202, body: '{"memory":128,"cpu":1}' }),
  },
];

/** A build with guests, the first of which is measured. */
interface Loadable extends Running {
  guestId: string;
}

/** Creates the guests through the API: the files of an earlier build have another format. */
const startWithGuests = async (root: string): Promise<Loadable> => {
  const build = await startBuild(root, CONFIG);
  const ids: string[] = [];
  for (let made = 0; made < GUESTS; made += 1) {
    const spec = { memory: 128, cpu: 1 };
    const { data } = await axios.post<{ id: string }>(`${build.url}/guests?wait=30`, spec, { proxy: false });
    ids.push(data.id);
  }
  return { ...build, guestId: String(ids[0]) };
};

const compared = (name: string, unit: string, [own, earlier]: number[][], ratio: number[]): Figure[] => [
  { name, unit, values: own ?? [] },
  { name: '… of the earlier build', unit, values: earlier ?? [] },
  { name: '… ratio, 1 for as fast', unit: '', values: ratio, target: TARGET },
];

const rates = async (builds: readonly Loadable[], { name, request }: Line, pace: Pace): Promise<Figure[]> => {
  const loaded = builds.map(({ url, guestId }): Loaded => ({ url, request: request(guestId) }));
  const [own = [], earlier = []] = (await loadInTurn(loaded, pace)).map((rounds) =>
    rounds.map(({ rate }) => rate),
  );
  return compared(name, 'requests/s', [own, earlier], ratios(own, earlier));
};

const jobTimes = async (builds: readonly Loadable[], { rounds }: Pace): Promise<Figure[]> => {
  for (const build of builds) await endToEnd(build, build.guestId, WARM_UP_JOBS);
  const times: number[][] = builds.map(() => []);
  for (let round = 0; round < rounds; round += 1)
    for (const [index, build] of builds.entries()) times[index]?.push(await endToEnd(build, build.guestId));
  const [own = [], earlier = []] = times;
  return compared('from POST to Complete', 'ms', times, ratios(earlier, own));
};

const run = async (pace: Pace): Promise<Figure[]> => {
  if (EARLIER_BUILD === undefined)
    throw new Error('set MISTIFY_EARLIER_BUILD to the directory of an earlier build');
  const roots = [packageRoot, EARLIER_BUILD];
  const builds: Loadable[] = [];
  return using(builds, async () => {
    for (const root of roots) builds.push(await startWithGuests(root));
    const figures: Figure[] = [];
    for (const line of LINES) figures.push(...(await rates(builds, line, pace)));
    return [...figures, ...(await jobTimes(builds, pace))];
  });
};

export const earlier: Suite = {
  name: 'earlier',
  title: 'Requests and jobs next to the build in the directory MISTIFY_EARLIER_BUILD, in turns',
  onlyWhenNamed: true,
  run,
};
