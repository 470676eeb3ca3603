import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Accepted, Job } from '../../../lib/client/index.js';
import type { GuestAction } from '../../../lib/model/actions.js';
import type { Random } from '../../helpers/random.js';
import { DISKS, fill } from './disks.js';
import * as model from './model.js';
import { JOB_MS, sendUntilAnswered, untilEnded } from './requests.js';
import { BRIDGE, IMAGE, type World } from './world.js';

/** After a failure: most sub-agents that are down take a moment to be back. */
const PAUSE_MS = 400;
const MAX_SNAPSHOTS = 4;

/** Whether a guest's QEMU runs; absent when a fault may have changed that. */
export type Power = 'running' | 'paused' | 'off' | undefined;

/** How a job says that a deletion has failed midway: docs/storage.md, "All disks or none". */
const HALF_DROPPED = [/snapshot (\S+) is deleted on disk [\d, ]+ only/g, /disk \d+ keeps (\S+):/g] as const;

/** How a job says that the deletion of a snapshot has failed, and that the agent completes it by itself: docs/storage.md. */
const IS_COMPLETED_LATER = /snapshot \S+ is half deleted, and is deleted completely once that is possible/;

/** An action, and what it does to the guest. */
interface Act {
  name: string;
  /** Sends the request. */
  send: (key: string) => Promise<Accepted<unknown>>;
  effect: model.Effect;
  failure?: model.Failure;
  power?: Power;
}

/** What all owners have done, over all rounds. */
export interface Totals {
  accepted: number;
  refused: number;
  completed: number;
  failed: number;
}

/** A client of one guest at a time: requests random actions, and knows the states that the guest may be in. */
export class Owner {
  id: string = randomUUID();
  states: model.GuestModel[] = [model.GONE];
  #power: { state: Power; since: number } = { state: 'off', since: 0 };
  /** The values that the guest's metadata may have. */
  notes: (string | undefined)[] = [undefined];
  /** What happened in this round, for a report. */
  readonly story: string[] = [];
  readonly violations: string[] = [];
  /** Snapshots that some disks may still have, because their deletion failed midway and its job said so. */
  readonly halfDropped = new Set<string>();
  readonly #world: World;
  readonly #totals: Totals;
  #names = 0;

  /** What the guest's last action has made of it; unknown once a fault may have ended the guest. */
  get power(): Power {
    const { state, since } = this.#power;
    return this.#world.disturbances === since ? state : undefined;
  }

  constructor(world: World, totals: Totals) {
    this.#world = world;
    this.#totals = totals;
  }

  /** Requests actions until `until`. Ends once all of them have ended. */
  async work(random: Random, until: number): Promise<void> {
    while (Date.now() < until) {
      await delay(random.below(150));
      await this.#step(random);
    }
  }

  /** The state of a guest that exists for certain. */
  get #there(): Extract<model.GuestModel, { is: 'there' }> | undefined {
    const [state] = this.states;
    return state?.is === 'there' && this.states.every(({ is }) => is === 'there') ? state : undefined;
  }

  async #step(random: Random): Promise<void> {
    if (this.states.every(({ is }) => is === 'gone')) return this.#create(random);
    const there = this.#there;
    if (!there || random.chance(0.08)) return this.#delete(random);
    if (random.chance(0.15)) return this.#patch(random);
    if (random.chance(0.3) || there.byte === model.UNKNOWN) return this.#fill(random);
    const count = random.chance(0.3) ? 2 + random.below(3) : 1;
    const acts: Act[] = [];
    for (let n = 0; n < count; n += 1) acts.push(this.#choose(random, there));
    if (count > 1 && random.chance(0.1)) return this.#delete(random, acts);
    await this.#perform(acts);
  }

  #choose(random: Random, { snapshots }: { snapshots: model.SnapshotModel[] }): Act {
    if (snapshots.length >= MAX_SNAPSHOTS || (snapshots.length > 0 && random.chance(0.3))) {
      const { name } = random.pick(snapshots);
      return random.chance(0.5) ? this.#drop(name) : this.#rollBack(name);
    }
    if (random.chance(0.4)) return this.#take();
    return this.#powerAct(random);
  }

  #powerAct(random: Random): Act {
    const [action, power] = random.pick<[GuestAction, Power]>([
      ['start', 'running'],
      ['start', 'running'],
      ['poweroff', 'off'],
      ['poweroff', 'off'],
      ['suspend', 'paused'],
      ['save', 'off'],
      ['resume', 'running'],
      ['restart', 'running'],
      ['reboot', 'running'],
      ['shutdown', 'off'],
    ]);
    // Nothing in the guest reacts to its power button.
    const options = ['restart', 'reboot', 'shutdown'].includes(action) ? { timeout: 1, force: true } : {};
    const { id } = this;
    return {
      name: action,
      send: (idempotencyKey) => this.#world.client.guests.perform(id, action, { ...options, idempotencyKey }),
      effect: model.unchanged,
      power,
    };
  }

  #take(): Act {
    this.#names += 1;
    const name = `s${this.#names}`;
    return {
      name: `take ${name}`,
      send: (idempotencyKey) => this.#world.client.snapshotsOf(this.id).create(name, { idempotencyKey }),
      effect: model.taken(name),
    };
  }

  #drop(name: string): Act {
    return {
      name: `drop ${name}`,
      send: () => this.#world.client.snapshotsOf(this.id).delete(name),
      effect: model.dropped(name),
    };
  }

  #rollBack(name: string): Act {
    const destroyMoreRecent = true;
    return {
      name: `roll back to ${name}`,
      send: (idempotencyKey) =>
        this.#world.client.snapshotsOf(this.id).rollBack(name, { destroyMoreRecent, idempotencyKey }),
      effect: model.rolledBack(name),
      failure: model.partlyRolledBack(name),
    };
  }

  async #create(random: Random): Promise<void> {
    this.id = randomUUID();
    this.halfDropped.clear();
    this.notes = ['0'];
    this.#power = { state: 'off', since: this.#world.disturbances };
    const nic = random.chance(0.5) ? { network: BRIDGE } : { network: 'user' };
    const first = random.chance(0.5) ? { image: IMAGE, size: 1 } : { size: 1 };
    const spec = {
      ...{ id: this.id, memory: 32, cpu: 1, nics: [nic], metadata: { note: '0' } },
      disks: [first, ...Array.from({ length: DISKS - 1 }, () => ({ size: 1 }))],
    };
    await this.#perform([
      {
        name: `create ${this.id}`,
        send: (idempotencyKey) => this.#world.client.guests.create(spec, { idempotencyKey }),
        effect: () => model.NEW,
        failure: () => [model.PARTLY],
        power: 'running',
      },
    ]);
  }

  /** Deletes the guest, by up to three requests at once, after those of `before`. */
  async #delete(random: Random, before: Act[] = []): Promise<void> {
    const act = (): Act => ({
      name: 'delete',
      send: () => this.#world.client.guests.delete(this.id),
      effect: () => model.GONE,
      failure: () => [model.PARTLY],
      power: 'off',
    });
    await this.#perform(before, Array.from({ length: 1 + random.below(3) }, act));
  }

  async #patch(random: Random): Promise<void> {
    const note = String(1 + random.below(1_000_000));
    try {
      await this.#world.client.metadataOf(this.id).patch({ note });
      this.notes = [note];
    } catch {
      this.notes = [...this.notes, note];
    }
    this.story.push(`note ${this.notes.join(' or ')}`);
  }

  async #fill(random: Random): Promise<void> {
    const byte = 1 + random.below(255);
    const set = (value: number): void => {
      this.states = this.states.map((state) => (state.is === 'there' ? { ...state, byte: value } : state));
    };
    set(model.UNKNOWN);
    try {
      await fill(this.#world, this.id, byte);
      set(byte);
      this.story.push(`filled with ${byte}`);
    } catch (error) {
      this.story.push(`not filled with ${byte}: ${String(error).split('\n')[0]}`);
    }
  }

  /** Sends requests in order, and then those of `atOnce` together; waits for their jobs, and keeps the possible states. */
  async #perform(inOrder: readonly Act[], atOnce: readonly Act[] = []): Promise<void> {
    const { disturbances } = this.#world;
    const acts = [...inOrder, ...atOnce];
    const jobs: (string | undefined)[] = [];
    for (const act of inOrder) jobs.push(await this.#send(act));
    jobs.push(...(await Promise.all(atOnce.map((act) => this.#send(act)))));
    let anyFailed = false;
    for (const [n, act] of acts.entries()) {
      const id = jobs[n];
      if (id === undefined) continue;
      const succeeded = await this.#end(act, id);
      anyFailed ||= !succeeded;
      if (act.power !== undefined)
        this.#power = {
          state: succeeded && acts.length === 1 ? act.power : undefined,
          since: disturbances,
        };
    }
    if (anyFailed) await delay(PAUSE_MS);
  }

  /** Waits for a job, and keeps the states that the guest may be in after it. Returns whether it has succeeded. */
  async #end({ name, effect, failure }: Act, id: string): Promise<boolean> {
    const job = await this.#ended(id);
    const succeeded = job?.Status === 'Complete';
    const isCertain = succeeded || IS_COMPLETED_LATER.test(job?.Message ?? '');
    this.states = model.after(this.states, isCertain, effect, failure);
    if (!job) {
      this.violations.push(`${this.id}: the job of ${name} (${id}) has not ended in ${JOB_MS / 1000} s`);
      return false;
    }
    this.#totals[succeeded ? 'completed' : 'failed'] += 1;
    this.story.push(`${name}: ${job.Status} ${job.Message} (${id})`);
    for (const pattern of HALF_DROPPED)
      for (const [, snapshot = ''] of job.Message.matchAll(pattern)) this.halfDropped.add(snapshot);
    if (!succeeded && job.Message === '')
      this.violations.push(`${this.id}: the job of ${name} (${id}) failed without a reason`);
    return succeeded;
  }

  /**
   * Sends a request until the agent has responded.
   * @returns the id of the job; `undefined` when the request was refused, or there is nothing to delete
   */
  async #send({ name, send }: Act): Promise<string | undefined> {
    const { accepted, refused, attempts } = await sendUntilAnswered(send);
    if (refused) return this.#refused(name, refused.status, refused.message, attempts);
    if (accepted) this.#totals.accepted += 1;
    else this.violations.push(`${this.id}: ${name} has got no answer in ${JOB_MS / 1000} s`);
    return accepted?.jobId;
  }

  #refused(name: string, status: number, message: string, attempt: number): undefined {
    this.#totals.refused += 1;
    this.story.push(`${name}: ${status} ${message}`);
    if (status >= 500 && status !== 507) this.violations.push(`${this.id}: ${name} got ${status} ${message}`);
    if (name === 'delete' && status === 404) {
      this.states = [model.GONE];
      return;
    }
    if (name === 'delete' && status !== 507)
      this.violations.push(`${this.id}: delete got ${status} ${message}`);
    // A request without a key that was sent again: an earlier one may have been accepted.
    if (attempt > 1 && name.startsWith('drop '))
      this.states = model.after(this.states, false, model.dropped(name.slice(5)));
  }

  async #ended(id: string): Promise<Job | undefined> {
    const job = await untilEnded(this.#world, id);
    if (job !== 'missing') return job;
    this.violations.push(`${this.id}: job ${id} was accepted and does not exist`);
    return undefined;
  }
}
