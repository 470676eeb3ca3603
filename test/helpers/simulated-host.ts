import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Guest } from '../../lib/model/guest.js';
import { GuestStates } from '../../lib/rpc/server/guest-states.js';
import { startTestAgent, type TestAgent, type TestAgentOptions } from './agent.js';
import type { AnyRequest, Script } from './scripted.js';
import { tempDir } from './temp.js';
import { until } from './wait.js';

interface Run {
  state: string;
  reason?: string | undefined;
}

/** A host whose guests are records of a scripted sub-agent. It can be booted again, with all that runs on it gone. */
export class SimulatedHost {
  /** The guests that started, in order, with the time in milliseconds since 1970. */
  readonly starts: { id: string; at: number }[] = [];
  /** The guests that were asked to shut down, in order. */
  readonly shutdowns: string[] = [];
  /** Makes a start fail or wait. */
  onStart: (id: string) => Promise<void> | void = () => {};
  onShutdown: (id: string) => Promise<void> | void = () => {};
  onSave: (id: string) => Promise<void> | void = () => {};
  /** Whether the sub-agent does not know its guests yet. */
  isSilent = false;
  /** The most starts at once so far. */
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #runs = new Map<string, Run>();
  readonly #t: ExecutionContext;
  readonly #dir: string;
  #states = new GuestStates();
  #agent: TestAgent | undefined;

  private constructor(t: ExecutionContext, dir: string) {
    this.#t = t;
    this.#dir = dir;
  }

  static async make(t: ExecutionContext): Promise<SimulatedHost> {
    const host = new SimulatedHost(t, await tempDir(t));
    await host.#boot();
    return host;
  }

  get agent(): TestAgent {
    if (!this.#agent) throw new Error('no agent runs');
    return this.#agent;
  }

  /** Starts the agent and its sub-agent. */
  async start(options: TestAgentOptions = {}): Promise<TestAgent> {
    this.#states = new GuestStates();
    for (const id of this.#runs.keys()) this.#tell(id);
    const address = { socket: join(this.#dir, 'scripted.sock') };
    await rm(address.socket, { force: true });
    this.#agent = await startTestAgent(this.#t, {
      dbpath: join(this.#dir, 'db'),
      bootIdFile: this.bootIdFile,
      address,
      guestStates: this.#states,
      methods: this.methods,
      ...options,
    });
    return this.#agent;
  }

  /** Lets the sub-agent report its guests. */
  speak(): void {
    this.isSilent = false;
    for (const id of this.#runs.keys()) this.#tell(id);
  }

  get bootIdFile(): string {
    return join(this.#dir, 'boot_id');
  }

  get states(): GuestStates {
    return this.#states;
  }

  /** Stops the agent and its sub-agent; guests run on. */
  async stop(): Promise<void> {
    await this.agent.stop();
    await this.agent.scripted.subAgent.close();
    this.#agent = undefined;
  }

  /** Ends everything on the host at once, and boots it. The agent is not running then. */
  async die(): Promise<void> {
    if (this.#agent) await this.stop();
    for (const run of this.#runs.values())
      if (run.state === 'running') Object.assign(run, { state: 'shutoff', reason: 'killed' });
    await this.#boot();
  }

  /** Adds a guest that runs, or one that is off. */
  async add(guest: Partial<Guest> = {}, run: Run = { state: 'running' }): Promise<string> {
    const id = randomUUID();
    await this.agent.context.guests.insert({ id, state: 'unknown', ...guest });
    this.set(id, run);
    const { guests } = this.agent.context;
    await until('its state is reported', () => guests.get(id).state === run.state);
    return id;
  }

  /** Changes a guest from outside the agent. */
  set(id: string, run: Run): void {
    this.#runs.set(id, run);
    this.#tell(id);
  }

  stateOf(id: string): string | undefined {
    return this.#runs.get(id)?.state;
  }

  /** Waits until the agent has recorded a guest's state. */
  async reported(id: string, state: string): Promise<Guest> {
    const { guests } = this.agent.context;
    return until(`guest ${id} is ${state}`, () => {
      const guest = guests.find(id);
      return guest?.state === state ? guest : undefined;
    });
  }

  get methods(): NonNullable<Script['methods']> {
    const off =
      (reason: string) =>
      ({ guest }: AnyRequest) => {
        this.set(guest.id, { state: 'shutoff', reason });
        return this.#answer(guest);
      };
    return {
      'Test.start': ({ guest }) => this.#start(guest),
      'Test.restart': ({ guest }) => this.#start(guest),
      'Test.poweroff': off('poweroff'),
      'Test.shutdown': async (request) => {
        this.shutdowns.push(request.guest.id);
        await this.onShutdown(request.guest.id);
        return off('shutdown')(request);
      },
      'Test.save': async (request) => {
        await this.onSave(request.guest.id);
        return off('saved')(request);
      },
    };
  }

  async #start(guest: Guest) {
    this.starts.push({ id: guest.id, at: Date.now() });
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    try {
      await this.onStart(guest.id);
    } finally {
      this.#atOnce -= 1;
    }
    this.set(guest.id, { state: 'running' });
    return this.#answer(guest);
  }

  #answer(guest: Guest) {
    const { state, reason, revision } = this.#states.get(guest.id) ?? {};
    return { guest: { ...guest, state, reason: reason ?? '' }, revision };
  }

  #tell(id: string): void {
    const run = this.#runs.get(id);
    if (run && !this.isSilent) this.#states.set(id, run.state, 0, run.reason);
  }

  #boot(): Promise<void> {
    return writeFile(this.bootIdFile, `${randomUUID()}\n`);
  }
}
