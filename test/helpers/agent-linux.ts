import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Accepted, GuestSpec, Job } from '../../lib/client/index.js';
import type { KernelKind } from '../../scripts/guest-image/kernel.js';
import { buildGuestImage } from '../../scripts/guest-image.js';
import type { RealAgent } from './real-agent.js';
import { until } from './wait.js';

/** A guest that echoes nothing for this long has not got what was typed. */
const ECHO_MS = 30_000;
const BOOT_MS = 180_000;

/** A guest of the whole agent that runs the tiny Linux of `scripts/guest-image`. */
export interface AgentLinux {
  id: string;
  /** Runs a command in the guest’s shell, on its serial console, and returns the words of its output. */
  run: (command: string) => Promise<string>;
  /** Everything that the guest has written to its serial console. */
  output: () => Promise<string>;
}

/**
 * Waits for the job of a request.
 * @throws {Error} with the job's message if it fails
 */
export const finishJob = async ({ client }: RealAgent, accepted: Promise<Accepted<unknown>>): Promise<Job> =>
  client.waitForJob((await accepted).jobId);

/** Fetches an image from a file of this host, through the agent's directory of imports. */
export const importImage = async (agent: RealAgent, id: string, path: string): Promise<void> => {
  const imports = join(agent.dbpath, 'storage/import');
  await mkdir(imports, { recursive: true });
  await copyFile(path, join(imports, id));
  await finishJob(agent, agent.client.images.fetch({ id, source: `file://${join(imports, id)}` }));
};

/**
 * Uses a guest that boots, once it is up.
 * @param boots how often it has booted, with this boot
 */
export const useLinux = async (agent: RealAgent, id: string, boots = 1): Promise<AgentLinux> => {
  const { client, dbpath } = agent;
  const output = (): Promise<string> => readFile(join(dbpath, 'qemu/guests', id, 'serial.log'), 'utf8');
  const isUp = async (): Promise<boolean> => (await output()).split('mistify-guest: up').length > boots;
  await until('the guest is up', isUp, BOOT_MS);
  const { bytes } = await client.guests.openSerialConsole(id);
  bytes.resume();
  bytes.write('quiet\n');
  let count = 0;
  const run = async (command: string): Promise<string> => {
    count += 1;
    const [begin, end] = [`begin ${boots}.${count}:`, `:end ${boots}.${count}`];
    const start = `echo "begin" ${boots}.${count}:`;
    let typedAt = Number.NEGATIVE_INFINITY;
    const found = async (): Promise<boolean> => {
      const text = await output();
      // A guest that has just resumed may miss what is typed. It echoes what it gets.
      if (!text.includes(start) && performance.now() - typedAt > ECHO_MS) {
        bytes.write(`${start}$(${command}):"end" ${boots}.${count}\n`);
        typedAt = performance.now();
      }
      return text.includes(end);
    };
    await until(`the guest has run ${command}`, found, BOOT_MS);
    const text = await output();
    return text.slice(text.lastIndexOf(begin) + begin.length, text.lastIndexOf(end)).trim();
  };
  return { id, run, output };
};

/**
 * Creates a guest from an image of its own and waits until it is up.
 * @param kind the kernel of the image
 */
export const bootLinux = async (
  agent: RealAgent,
  spec: GuestSpec = {},
  kind?: KernelKind,
): Promise<AgentLinux> => {
  const { client } = agent;
  await importImage(agent, 'tiny', await buildGuestImage(kind));
  const created = await client.guests.create({ image: 'tiny', memory: 128, ...spec });
  await client.waitForJob(created.jobId);
  return useLinux(agent, created.body.id);
};
