import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MistifyClient } from '../../../lib/client/index.js';
import { packageRoot } from '../../../lib/files/package-root.js';
import { buildGuestImage } from '../../guest-image.js';
import { EARLIER_BUILD, type RunningBuild, startBuild } from '../build.js';
import { shareOfMemory, using } from '../processes.js';
import { ratios } from '../statistics.js';
import type { Figure, Pace, Suite } from '../suite.js';

const GUESTS = 100;
const AT_ONCE = 5;
const MEMORY_MB = 96;
const JOB_SECONDS = 300;
/** V8 returns memory some time after the last request. */
const REST_MS = 90_000;
const TARGETS = { memory: 0.45, ready: 0.5 };

/** Lists a process and its descendants. */
const familyOf = async (pid: number): Promise<number[]> => {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const families = children.split(' ').filter(Boolean).map(Number).map(familyOf);
  return [pid, ...(await Promise.all(families)).flat()];
};

/** Creates, lists, scrapes and deletes guests. */
const work = async ({ url, dbpath }: RunningBuild): Promise<void> => {
  const client = new MistifyClient({ url });
  const source = join(dbpath, 'storage/import/tiny.qcow2');
  await copyFile(await buildGuestImage(), source);
  await client.images.fetch({ id: 'tiny', source: `file://${source}` }, { wait: JOB_SECONDS });
  const spec = { memory: MEMORY_MB, cpu: 1, disks: [{ image: 'tiny' }] };
  for (let made = 0; made < GUESTS; made += AT_ONCE) {
    const wanted = Array.from({ length: AT_ONCE }, () => client.guests.create(spec, { wait: JOB_SECONDS }));
    const ids = (await Promise.all(wanted)).map(({ body }) => body.id);
    for (const path of ['/guests', '/metrics', ...ids.map((id) => `/guests/${id}`)])
      await (await fetch(`${url}${path}`)).text();
    await Promise.all(ids.map((id) => client.guests.delete(id, { wait: JOB_SECONDS })));
  }
};

interface Measured {
  readyMs: number;
  mb: number;
  processes: number;
}

const measureAll = async (roots: readonly string[]): Promise<Measured[]> => {
  const builds: RunningBuild[] = [];
  return using(builds, async () => {
    for (const root of roots) builds.push(await startBuild(root));
    for (const build of builds) await work(build);
    await delay(REST_MS);
    return Promise.all(
      builds.map(async ({ pid, readyMs }) => {
        const family = await familyOf(pid);
        const shares = await Promise.all(family.map(shareOfMemory));
        return { readyMs, mb: shares.reduce((sum, mb) => sum + mb, 0), processes: family.length };
      }),
    );
  });
};

const compared = (
  name: string,
  unit: string,
  [values, earlier]: readonly [number[], number[]],
  atMost: number,
): Figure[] => [
  { name, unit, values },
  ...(EARLIER_BUILD === undefined
    ? []
    : [
        { name: '… of the earlier build', unit, values: earlier },
        { name: '… ratio', unit: '', values: ratios(values, earlier), target: { atMost } },
      ]),
];

const run = async ({ rounds }: Pace): Promise<Figure[]> => {
  const measured: Measured[][] = [];
  // In turns: what starts second finds the machine's caches warm.
  const roots = [packageRoot, ...(EARLIER_BUILD === undefined ? [] : [EARLIER_BUILD])];
  for (let round = 0; round < rounds; round += 1) {
    const isReversed = round % 2 === 1;
    const found = await measureAll(isReversed ? [...roots].reverse() : roots);
    measured.push(isReversed ? found.reverse() : found);
  }
  const both = (key: keyof Measured): [number[], number[]] => [
    measured.map(([own]) => own?.[key] ?? Number.NaN),
    measured.map(([, earlier]) => earlier?.[key] ?? Number.NaN),
  ];
  const rested = `agent and sub-agents ${REST_MS / 1000} s after ${GUESTS} guests (PSS)`;
  return [
    ...compared(rested, 'MB', both('mb'), TARGETS.memory),
    { name: '… processes', unit: '', values: both('processes')[0] },
    ...compared('from the start until /readyz is ok', 'ms', both('readyMs'), TARGETS.ready),
  ];
};

export const memory: Suite = {
  name: 'memory',
  title: 'What the agent takes of the host; next to the build in the directory MISTIFY_EARLIER_BUILD',
  onlyWhenNamed: true,
  run,
};
