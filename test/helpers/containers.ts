import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Guest } from '../../lib/model/guest.js';
import type { Image } from '../../lib/model/image.js';
import type { Volume } from '../../lib/model/volume.js';
import type { PolicyOptions } from '../../lib/subagents/container/policy.js';
import { startContainerSubAgent } from '../../lib/subagents/container/service.js';
import { IMAGE } from './engines/busybox.js';
import { startEngine } from './engines/chosen.js';
import type { TestEngine } from './engines/engine.js';
import { LOOPBACK } from './loopback.js';
import { callMethod, silentLog } from './sub-agents.js';
import { tempDir } from './temp.js';

/** All fields that a result of `MDocker` may have. */
interface ContainerResult {
  guest: Guest;
  images: Image[];
  volumes: Volume[];
  containers: { Id: string; Name: string }[];
  cpu: unknown[];
  disk: Record<string, unknown>;
  nic: Record<string, { rx_packets: number; tx_packets: number; rx_bytes: number }>;
  revision: number;
  message?: string;
}

/** A container sub-agent on a free port. */
export interface TestContainers {
  port: number;
  /** Its state directory. */
  dir: string;
  importDir: string;
  /**
   * Calls `MDocker.<method>`.
   * @throws the error of the response
   */
  call: (method: string, request: unknown) => Promise<ContainerResult>;
  /** Calls `MDocker.<method>` with a request about a guest. */
  guest: (method: string, guest: Partial<Guest>, args?: Record<string, string>) => Promise<ContainerResult>;
  close: () => Promise<void>;
}

const startSubAgent = async (
  socket: string,
  dir: string,
  policy: PolicyOptions = {},
): Promise<TestContainers> => {
  const importDir = join(dir, 'import');
  await mkdir(importDir, { recursive: true });
  const running = await startContainerSubAgent(
    {
      ...policy,
      dir,
      hostDir: join(dir, 'host'),
      engine: [socket],
      importDir: [importDir],
      privateAddress: LOOPBACK,
    },
    silentLog,
  );
  const { port } = await running.subAgent.listen({ port: 0 });
  const call = async (method: string, request: unknown): Promise<ContainerResult> => {
    const { status, result, error } = await callMethod(port, `MDocker.${method}`, request);
    if (status !== 200 || error) throw new Error(error ?? `status ${status}`);
    return result as unknown as ContainerResult;
  };
  const guest: TestContainers['guest'] = (method, about, args) =>
    call(method, { guest: about, action: '', ...(args ? { args } : {}) });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= running.subAgent.close().then(() => running.close?.());
    return closed;
  };
  return { port, dir, importDir, call, guest, close };
};

/**
 * Starts a container sub-agent for the engine at `socket`; stops it when the test ends.
 * @param dir its state directory; a new one by default
 */
export const startTestContainers = async (
  t: ExecutionContext,
  socket: string,
  { dir, ...policy }: PolicyOptions & { dir?: string } = {},
): Promise<TestContainers> => {
  const containers = await startSubAgent(socket, dir ?? (await tempDir(t)), policy);
  t.teardown(containers.close);
  return containers;
};

/** An engine with a sub-agent, shared by all tests of a file and started on first use. */
export class SharedEngine {
  #engine: Promise<TestEngine> | undefined;
  #containers: ReturnType<typeof startSubAgent> | undefined;

  engine(): Promise<TestEngine> {
    this.#engine ??= startEngine();
    return this.#engine;
  }

  containers(): Promise<TestContainers> {
    this.#containers ??= this.engine().then(({ socket, dir }) => startSubAgent(socket, join(dir, 'agent')));
    return this.#containers;
  }

  async stop(): Promise<void> {
    await (await this.#containers)?.close();
    await (await this.#engine)?.stop();
  }
}

/** Returns a small guest that runs until it is killed. */
export const newGuest = (more: Partial<Guest> = {}): Guest => ({
  id: randomUUID(),
  type: 'container',
  image: IMAGE,
  memory: 32,
  container: { command: 'sleep 600' },
  ...more,
});
