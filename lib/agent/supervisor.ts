import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import type { Config } from '../config/load.js';
import type { ServiceConfig } from '../config/schema.js';
import type { Logger } from '../log.js';
import { packageRoot } from '../package-root.js';

const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
/** A service that ran for this long was all right, so that its next restart is a first one again. */
const STEADY_MS = 60_000;
const STOP_MS = 10_000;

export interface Supervisor {
  /** Ends the services and waits until they are gone. */
  stop(): Promise<void>;
}

/** The package's own programs are run by this very Node; others are found on the PATH. */
const resolveCommand = async (command: readonly string[]): Promise<readonly string[]> => {
  const [program = '', ...args] = command;
  const { bin } = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  const own = bin[program];
  return own === undefined ? command : [process.execPath, join(packageRoot, own), ...args];
};

interface Spawned {
  name: string;
  service: ServiceConfig;
  command: readonly string[];
  dbpath: string;
}

/** In a session of its own, so that Ctrl-C reaches it through the agent, but never outliving the agent. */
const spawn = ({ name, service, command, dbpath }: Spawned, log: Logger) =>
  execa('setpriv', ['--pdeathsig', 'TERM', '--', ...command], {
    detached: true,
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
    reject: false,
    forceKillAfterDelay: STOP_MS,
    env: {
      MISTIFY_PORT: String(service.port),
      MISTIFY_LOG_LEVEL: log.level,
      MISTIFY_STATE_DIR: join(dbpath, name),
      MISTIFY_RUN_DIR: join(dbpath, 'run'),
    },
  });

/** Starts every service that has a `command`, and starts it again, with backoff, when it dies. */
export const superviseServices = (config: Config, log: Logger): Supervisor => {
  const stopping = new AbortController();
  const running = new Map<string, ReturnType<typeof spawn>>();

  const supervise = async (name: string, service: ServiceConfig): Promise<void> => {
    const command = await resolveCommand(service.command ?? []);
    let backoffMs = FIRST_BACKOFF_MS;
    while (!stopping.signal.aborted) {
      const startedAt = Date.now();
      const child = spawn({ name, service, command, dbpath: config.dbpath }, log);
      running.set(name, child);
      log.info({ service: name, pid: child.pid, port: service.port }, 'service started');
      const { exitCode, signal, originalMessage } = await child;
      running.delete(name);
      if (stopping.signal.aborted) return;
      if (Date.now() - startedAt > STEADY_MS) backoffMs = FIRST_BACKOFF_MS;
      log.error({ service: name, exitCode, signal, reason: originalMessage, backoffMs }, 'service died');
      await delay(backoffMs, undefined, { signal: stopping.signal }).catch(() => {});
      backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS);
    }
  };

  const supervised = [...config.services]
    .filter(([, { command }]) => command !== undefined)
    .map(([name, service]) => supervise(name, service));

  return {
    stop: async () => {
      stopping.abort();
      for (const child of running.values()) child.kill('SIGTERM');
      await Promise.all(supervised);
    },
  };
};
