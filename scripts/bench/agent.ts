import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import getPort from 'get-port';
import { builtProgram, type Running, startProgram, withDirectory } from './processes.js';

const stage = (method: string): object => ({ stages: [{ service: 'test', method }] });

/** The test-service behind every action that is measured. */
const CONFIG = {
  services: { test: { socket: 'test.sock', max_pending: 32, command: ['mistify-test-service'] } },
  actions: {
    create: stage('Libvirt.Create'),
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
    const program = builtProgram('routes/mistify-agent.js');
    // What it tells people on standard error is not for the figures.
    return startProgram([program, '-a', `127.0.0.1:${port}`, '-l', 'warn', '-c', file], port);
  });
