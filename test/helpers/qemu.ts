import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { pino } from 'pino';
import { isErrno } from '../../lib/errors.js';
import { stageHeaders } from '../../lib/rpc/client/client.js';
import { HEALTH_PATH, type Health, RPC_PATH } from '../../lib/rpc/protocol/calls.js';
import type { GuestResponse } from '../../lib/rpc/protocol/guest-messages.js';
import type { GuestMetricsResponse } from '../../lib/rpc/protocol/metrics-messages.js';
import type { GuestState } from '../../lib/rpc/protocol/sub-agent-events.js';
import type { CapacityLimits } from '../../lib/subagents/qemu/guests/capacity.js';
import { startQemu } from '../../lib/subagents/qemu/service.js';
import type { Running } from '../../lib/subagents/shared/run.js';

import { until } from './wait.js';

/** The smallest guest that QEMU starts quickly; `memory` is in MB. */
export const TINY = { memory: 32, cpu: 1 };

/** A qemu sub-agent in this process, with directories of its own. */
export class QemuHost {
  readonly dir: string;
  /** The QEMU that the next sub-agent runs; a test that changes it upgrades the host. */
  qemu = 'qemu-system-x86_64';
  /** Where the next sub-agent looks for firmware; the standard directories by default. */
  firmwareDirs: string[] | undefined;
  readonly #ovsDb: string | undefined;
  readonly #limits: CapacityLimits;
  #running: Running | undefined;
  #port = 0;
  readonly #ids = new Set<string>();

  private constructor(dir: string, ovsDb: string | undefined, limits: CapacityLimits) {
    this.dir = dir;
    this.#limits = limits;
    this.#ovsDb = ovsDb;
  }

  /**
   * Starts a sub-agent. When the test ends, deletes its guests and its directories.
   * @param ovsDb the database of the test's own Open vSwitch
   */
  static async start(t: ExecutionContext, ovsDb?: string, limits: CapacityLimits = {}): Promise<QemuHost> {
    const host = new QemuHost(await mkdtemp(join(tmpdir(), 'mq-')), ovsDb, limits);
    t.teardown(async () => {
      for (const id of host.#ids) await host.call('Delete', { id });
      await host.stop();
      await rm(host.dir, { recursive: true, force: true });
    });
    await host.launch();
    return host;
  }

  /** Starts the sub-agent, for the first time or after `stop`. */
  async launch(): Promise<void> {
    const at = (name: string): string => join(this.dir, name);
    const options = { dir: at('qemu'), runDir: at('run'), hostDir: at('host') };
    this.#running = await startQemu(
      {
        ...options,
        ...this.#limits,
        accel: 'tcg',
        leaseFile: [at('leases')],
        qemu: this.qemu,
        ...(this.#ovsDb ? { ovsDb: this.#ovsDb } : {}),
        ...(this.firmwareDirs ? { firmwareDirs: this.firmwareDirs } : {}),
      },
      pino({ level: 'silent' }),
    );
    ({ port: this.#port } = await this.#running.subAgent.listen({ port: 0 }));
  }

  /** Stops the sub-agent; its guests keep running. */
  async stop(): Promise<void> {
    await this.#running?.subAgent.close();
    await this.#running?.close?.();
  }

  /** Makes up the id of a guest that is deleted when the test ends. */
  newId(): string {
    const id = randomUUID();
    this.#ids.add(id);
    return id;
  }

  runFile(id: string, name = ''): string {
    return join(this.dir, 'run', id, name);
  }

  stateFile(id: string, name = ''): string {
    return join(this.dir, 'qemu', 'guests', id, name);
  }

  async pid(id: string): Promise<number> {
    return Number(await readFile(this.runFile(id, 'pid'), 'utf8'));
  }

  /** Creates an empty qcow2 disk where the storage sub-agent would. */
  async makeDisk(id: string, n = 0): Promise<string> {
    const folder = join(this.dir, 'storage', 'guests', id);
    await mkdir(folder, { recursive: true });
    const path = join(folder, `disk-${n}.qcow2`);
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', path, '16M']);
    return path;
  }

  /** Returns the path that an image has in the storage sub-agent's directory. */
  async imagePath(id: string): Promise<string> {
    const folder = join(this.dir, 'storage', 'images');
    await mkdir(folder, { recursive: true });
    return join(folder, `${id}.qcow2`);
  }

  /** Links to an image from where the storage sub-agent would keep it. */
  async linkImage(path: string, id: string): Promise<string> {
    const link = await this.imagePath(id);
    await symlink(path, link).catch((error: unknown) => {
      if (!isErrno(error, 'EEXIST')) throw error;
    });
    return link;
  }

  /**
   * Calls `Libvirt.<method>`.
   * @param signal disconnects the caller
   * @throws {Error} with the method's own message
   */
  async call<Response = GuestResponse>(
    method: string,
    guest: Record<string, unknown>,
    args?: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<Response> {
    const request = { guest, action: method.toLowerCase(), ...(args ? { args } : {}) };
    return this.#send(method, request, { signal });
  }

  /**
   * Calls `Libvirt.<method>`, which changes a guest.
   * @param job the id of the job; a repeated call has that of the first one
   */
  change(method: string, id: string, change: Record<string, unknown>, job?: string): Promise<GuestResponse> {
    const request = { guest: { id }, action: method.toLowerCase(), change };
    return this.#send(method, request, { job });
  }

  /** As `change`, with more of the guest than its id. */
  changeGuest(
    method: string,
    guest: Record<string, unknown>,
    change: Record<string, unknown>,
  ): Promise<GuestResponse> {
    return this.#send(method, { guest, action: method.toLowerCase(), change });
  }

  /** Calls a method of snapshots with memory. */
  checkpoint(method: string, id: string, rest: object = {}): Promise<GuestResponse> {
    return this.#send(method, { guest: { id }, id: `guests/${id}@one`, ...rest }, { job: 'a-job' });
  }

  /**
   * Calls a method that acts inside a running guest.
   * @throws {Error} with the method's own message
   */
  async inGuest<Result>(method: string, id: string, body?: unknown): Promise<Result> {
    const request = { guest: { id }, action: method.toLowerCase(), ...(body ? { body } : {}) };
    return (await this.#send<{ result: Result }>(method, request)).result;
  }

  /**
   * Reads a file of a guest.
   * @throws {Error} with the sub-agent's own message
   */
  async readFile(id: string, path: string): Promise<Buffer> {
    const reply = await fetch(`http://127.0.0.1:${this.#port}/files`, {
      method: 'POST',
      headers: { connection: 'close' },
      body: JSON.stringify({ guest: id, path }),
    });
    if (!reply.ok) throw new Error(`${reply.status} ${(await reply.text()).trim()}`);
    return Buffer.from(await reply.arrayBuffer());
  }

  async #send<Response>(
    method: string,
    request: Record<string, unknown>,
    { job, signal }: { job?: string | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<Response> {
    const reply = await fetch(`http://127.0.0.1:${this.#port}${RPC_PATH}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        connection: 'close',
        ...(job === undefined ? {} : stageHeaders({ job, stage: 0, attempt: 1 })),
      },
      body: JSON.stringify({ method: `Libvirt.${method}`, params: [request], id: 1 }),
      signal: signal ?? null,
    });
    if (!reply.ok) throw new Error(await reply.text());
    const { result, error } = (await reply.json()) as { result: Response; error: string | null };
    if (error !== null) throw new Error(error);
    return result;
  }

  /** The URL of a guest's console. */
  consoleUrl(kind: 'serial' | 'vnc', id: string): string {
    return `http://127.0.0.1:${this.#port}/console/${kind}?guest=${id}`;
  }

  /** Opens a stream of the sub-agent. */
  openStream(path: string, request: object): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
  }

  /** Asks for the sub-agent's health. */
  async health(): Promise<Health> {
    const reply = await fetch(`http://127.0.0.1:${this.#port}${HEALTH_PATH}`, {
      headers: { connection: 'close' },
    });
    return (await reply.json()) as Health;
  }

  measure(method: string, id: string): Promise<GuestMetricsResponse> {
    return this.call<GuestMetricsResponse>(method, { id });
  }

  async state(id: string): Promise<string | null | undefined> {
    return (await this.call('Status', { id })).guest.state;
  }

  /** Reads the state from the event stream, which does not query QEMU. */
  async streamedState(id: string): Promise<GuestState | undefined> {
    const controller = new AbortController();
    const reply = await fetch(`http://127.0.0.1:${this.#port}/_mistify_events_`, {
      signal: controller.signal,
    });
    const reader = reply.body?.getReader();
    const chunk = await reader?.read();
    controller.abort();
    const line = Buffer.from(chunk?.value ?? new Uint8Array())
      .toString('utf8')
      .split('\n')[0];
    const { guests } = JSON.parse(line || '{}') as { guests?: GuestState[] };
    return guests?.find((guest) => guest.id === id);
  }

  /**
   * Collects the states of a guest from the event stream, until the test ends.
   * @returns the list that grows, once the first state is in it
   */
  async watchStates(t: ExecutionContext, id: string): Promise<string[]> {
    const controller = new AbortController();
    t.teardown(() => controller.abort());
    const { body } = await fetch(`http://127.0.0.1:${this.#port}/_mistify_events_`, {
      signal: controller.signal,
    });
    const states: string[] = [];
    const collect = async (): Promise<void> => {
      for await (const line of createInterface({ input: Readable.fromWeb(body as ReadableStream) })) {
        const { guest, guests = [] } = JSON.parse(line) as { guest?: GuestState; guests?: GuestState[] };
        for (const each of [...guests, ...(guest ? [guest] : [])])
          if (each.id === id) states.push(each.state);
      }
    };
    collect().catch(() => undefined);
    await until('the first state is known', () => states.length > 0);
    return states;
  }
}
