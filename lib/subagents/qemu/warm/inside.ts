import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../../log.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { type GuestAgent, GuestAgentError } from '../../shared/guest-agent/client.js';
import { whileFrozen } from '../../shared/guest-agent/freeze.js';
import { hasAgent } from '../../shared/guest-agent/port.js';
import type { RunCommand } from '../guest-agent/agents.js';
import { programStatus, startProgram } from '../guest-agent/exec.js';
import { connectAgent } from '../guests/agent.js';
import type { Entry } from '../guests/entry.js';
import type { Watch } from '../guests/watch.js';

const COMMAND_MS = 10_000;
const POLL_MS = 50;

/** A program in the guest's image that a clone runs first when it has resumed. */
export const HOOK = '/etc/mistify/resumed';

/** Linux lists the driver that reseeds the kernel's random numbers in a clone; older kernels, and some newer ones, lack it. */
const HAS_FRESH_RANDOMNESS = `[ -d /sys/bus/acpi/drivers/vmgenid ] || [ -x ${HOOK} ]`;

/**
 * Runs a script of sh in the guest: `guest-exec`.
 * @returns its exit code and its output; `undefined` when it runs on after `timeoutMs`
 * @throws {GuestAgentError} when the agent does not run it
 */
export const runScript = async (
  agent: GuestAgent,
  script: string,
  env: Record<string, string> = {},
  timeoutMs = COMMAND_MS,
): Promise<{ code: number; output: string } | undefined> => {
  const run: RunCommand = async <Result>(command: string, args?: Record<string, unknown>) =>
    (await agent.execute(command, COMMAND_MS, args)) as Result;
  const deadline = performance.now() + timeoutMs;
  const pid = await startProgram(run, { command: ['/bin/sh', '-c', script], env });
  for (;;) {
    const { exited, exitCode = -1, stdout } = await programStatus(run, pid);
    if (exited) return { code: exitCode, output: stdout };
    if (performance.now() > deadline) return undefined;
    await sleep(POLL_MS);
  }
};

const isWindows = async (agent: GuestAgent): Promise<boolean> => {
  const info = (await agent.execute('guest-get-osinfo', COMMAND_MS).catch(() => ({}))) as { id?: string };
  return info.id === 'mswindows';
};

/**
 * Checks that the clones of a template do not begin with the same random numbers.
 * @throws {Refusal} `conflict` when that is not known
 */
export const requireFreshRandomness = async (entry: Entry, watch: Watch): Promise<void> => {
  const refuse = (reason: string): Refusal =>
    new Refusal(
      'conflict',
      `template ${entry.id} cannot be warmed: its clones would begin with the same random numbers, and so with the same secret keys: ${reason}; or accept that ("randomness": "shared")`,
    );
  const agent = await connectAgent(entry, watch);
  if (!agent) throw refuse('without a guest agent it is not known whether its kernel reseeds: install one');
  try {
    if (await isWindows(agent)) return;
    const result = await runScript(agent, HAS_FRESH_RANDOMNESS).catch((error: unknown) => {
      throw error instanceof GuestAgentError ? refuse(`${error.message}: allow guest-exec`) : error;
    });
    if (result?.code === 0) return;
    throw refuse(
      `its kernel has no driver of vmgenid (CONFIG_VMGENID): use a newer kernel, or a program ${HOOK} in the image`,
    );
  } finally {
    agent.close();
  }
};

/** Lets a guest with an agent write its files out, so that a clone that has to boot finds its file systems whole. */
export const syncDisks = async ({ id, paths }: Entry, watch: Watch, log: Logger): Promise<void> => {
  if (!(await hasAgent(watch))) return;
  // A freeze writes them out, and is over at once.
  await whileFrozen({ socket: paths.guestAgent, log: log.child({ guest: id }) }, async () => {});
};
