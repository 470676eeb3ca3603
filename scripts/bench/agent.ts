import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import axios from 'axios';
import getPort from 'get-port';
import { AGENT_ENVIRONMENT, NODE_FLAGS } from '../../lib/process/node-flags.js';
import { builtProgram, type Running, startProgram, withDirectory } from './processes.js';

export const stage = (method: string, service = 'test'): object => ({ stages: [{ service, method }] });

/** Runs every measured action on the test-service. */
export const CONFIG = {
  services: { test: { socket: 'test.sock', max_pending: 32, command: ['mistify-test-service'] } },
  actions: {
    create: stage('Libvirt.Create'),
    start: stage('Libvirt.Run'),
    cpuMetrics: stage('Libvirt.CPUMetrics'),
  },
};

/**
 * Starts an agent with its state in a temporary directory.
 * @param prepare fills the directory of the state before the start
 */
export const startAgent = (
  prepare: (dbpath: string) => Promise<void> = async () => {},
  config: object = CONFIG,
): Promise<Running> =>
  withDirectory(async (directory) => {
    const port = await getPort();
    const dbpath = join(directory, 'db');
    await prepare(dbpath);
    const file = join(directory, 'agent.json');
    await writeFile(file, JSON.stringify({ ...config, dbpath }));
    const program = builtProgram('programs/agent/main.js');
    const args = [program, '-a', `127.0.0.1:${port}`, '-l', 'warn', '-c', file];
    return startProgram([...NODE_FLAGS, ...args], port, AGENT_ENVIRONMENT);
  });

const SETTLE_MS = 45_000;

/** Waits until V8 has returned the memory that only the start needed, which it does when the agent is idle. */
export const waitUntilIdle = (): Promise<void> => delay(SETTLE_MS);

const STALL = /^nodejs_eventloop_lag_max_seconds (\S+)$/m;

/** Reads the longest stall of the agent's event loop since the last call, in milliseconds. */
export const longestStall = async ({ url }: Running): Promise<number> => {
  const { data } = await axios.get<string>(`${url}/metrics`, { responseType: 'text', proxy: false });
  // The monitor's own timer adds 10 ms.
  return Number(STALL.exec(data)?.[1]) * 1000 - 10;
};
