import { copyFile, readdir, readFile, readlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MistifyClient } from '../../lib/client/index.js';
import { packageRoot } from '../../lib/files/package-root.js';
import { buildGuestImage } from '../guest-image.js';
import { startAgent } from './agent.js';
import { stopWhenInterrupted } from './interrupted.js';
import { isThere, kill } from './proc.js';
import type { Running } from './processes.js';

const FETCH_SECONDS = 60;

/** The agent with the default config and its real sub-agents. `stop` also ends its guests. */
export interface RealAgent extends Running {
  client: MistifyClient;
  /** The directory of the agent's state. */
  dbpath: string;
  /** The id of an image that boots a tiny Linux. */
  image: string;
  /** The directory of a running guest's sockets. */
  runDir(guest: string): string;
  /** The log of a guest's serial console. */
  serialLog(guest: string): string;
  /** The process id of the guest's QEMU, `undefined` when it has none. */
  qemuOf(guest: string): Promise<number | undefined>;
  /** The process ids of the agent and its sub-agents, by name. */
  processes(): Promise<Record<string, number>>;
}

/** Finds the sub-agents of an agent, whose programs are `…/programs/NAME/main.js`. */
const subAgentsOf = async (agent: number): Promise<Record<string, number>> => {
  const children = (await readFile(`/proc/${agent}/task/${agent}/children`, 'utf8')).trim().split(' ');
  const named = children.map(async (child): Promise<[string, number][]> => {
    const args = (await readFile(`/proc/${child}/cmdline`, 'utf8')).split('\0');
    const program = args.find((arg) => arg.endsWith('/main.js'));
    return program === undefined ? [] : [[basename(dirname(program)), Number(child)]];
  });
  return Object.fromEntries((await Promise.all(named)).flat());
};

/** Finds processes in or under a directory, even a removed one. This includes guests that are still starting. */
const processesIn = async (dir: string): Promise<number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const dirs = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return pids.filter((_, index) => dirs[index]?.startsWith(`${dir}/`)).map(Number);
};

const fetchImage = async (client: MistifyClient, dbpath: string): Promise<string> => {
  const id = 'tiny';
  const source = join(dbpath, 'storage/import/tiny.qcow2');
  await copyFile(await buildGuestImage(), source);
  await client.images.fetch({ id, source: `file://${source}` }, { wait: FETCH_SECONDS });
  return id;
};

/** @param settings what the agent's config has beside the default one */
export const startRealAgent = async (settings: object = {}): Promise<RealAgent> => {
  const usual = JSON.parse(await readFile(join(packageRoot, 'config/agent.json'), 'utf8')) as object;
  const config = { ...usual, ...settings };
  let dbpath = '';
  const running = await startAgent(async (path) => {
    dbpath = path;
  }, config);
  const client = new MistifyClient({ url: running.url });
  const runDir = (guest: string): string => join(dbpath, 'run', guest);
  const stop = stopWhenInterrupted(async () => {
    await running.stop();
    for (const pid of await processesIn(join(dbpath, 'run'))) await kill(pid);
  });
  const agent: Omit<RealAgent, 'image'> = {
    ...{ ...running, client, dbpath, runDir, stop },
    serialLog: (guest) => join(dbpath, 'qemu/guests', guest, 'serial.log'),
    qemuOf: async (guest) => {
      const pid = Number(await readFile(join(runDir(guest), 'pid'), 'utf8').catch(() => ''));
      return pid > 1 && isThere(pid) ? pid : undefined;
    },
    processes: async () => ({ agent: running.pid, ...(await subAgentsOf(running.pid)) }),
  };
  try {
    return { ...agent, image: await fetchImage(client, dbpath) };
  } catch (error) {
    await stop();
    throw error;
  }
};
