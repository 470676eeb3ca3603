import { readdir, readFile } from 'node:fs/promises';

/** The programs of the product whose processes the faults hit, and the tools that these start. */
export type Kind = 'agent' | SubAgentKind | 'sub-agents' | 'guest' | 'tool';

/** Sub-agents that may have a process of their own; `sub-agents` is the process that they share. */
export type SubAgentKind = 'qemu' | 'storage' | 'backup';

export interface Process {
  pid: number;
  kind: Kind;
  commandLine: string;
  /** Of a guest's QEMU. */
  guest?: string;
  /** The first letter of the process's state: proc(5). */
  state: string;
}

const AGENT = '/programs/agent/main.js';
const SUB_AGENT = /\/programs\/(qemu|storage|backup|sub-agents)\/main\.js/;
const GUEST = /^qemu-system-\S+ .*-name guest=([0-9a-f-]{36}),/;
/** The processes of the runner itself: the first one, which collects orphans, and this one. */
const OWN = new Set([1, process.pid]);

const kindOf = (commandLine: string): Pick<Process, 'kind' | 'guest'> => {
  const guest = GUEST.exec(commandLine)?.[1];
  if (guest !== undefined) return { kind: 'guest', guest };
  const subAgent = SUB_AGENT.exec(commandLine)?.[1];
  if (subAgent !== undefined) return { kind: subAgent as Kind };
  return { kind: commandLine.includes(AGENT) ? 'agent' : 'tool' };
};

const read = async (pid: number): Promise<Process[]> => {
  const [commandLine = '', status = ''] = await Promise.all(
    ['cmdline', 'status'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')),
  );
  const state = /^State:\s+(\S)/m.exec(status)?.[1] ?? 'X';
  // A zombie has no command line and holds nothing.
  if (commandLine === '' || state === 'Z' || state === 'X') return [];
  const words = commandLine.replaceAll('\0', ' ').trim();
  return [{ pid, state, commandLine: words, ...kindOf(words) }];
};

/** Lists the processes of this process namespace, without the runner's own. */
export const listProcesses = async (): Promise<Process[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  return (await Promise.all(pids.filter((pid) => !OWN.has(pid)).map(read))).flat();
};

/** Sends a signal to a process; one that has exited meanwhile is no error. */
export const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch {
    // It has exited.
  }
};
