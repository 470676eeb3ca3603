import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Accepted, Job, PendingBackup } from '../../../lib/client/index.js';
import type { Random } from '../../helpers/random.js';
import { DISKS, fill } from './disks.js';
import type { Totals } from './owner.js';
import { JOB_MS, sendUntilAnswered, untilEnded } from './requests.js';
import type { Worker } from './rounds.js';
import type { World } from './world.js';

const PAUSE_MS = 200;
const DISK_MB = 4;
const MAX_BACKUPS = 4;

/** Means that the content is not known: an attempt to write it was interrupted. */
export const UNKNOWN = -1;

/** A client that fills the disks of a guest, backs it up, and restores, verifies and deletes its backups. */
export class BackupOwner implements Worker {
  readonly id: string = randomUUID();
  readonly story: string[] = [];
  readonly violations: string[] = [];
  /** The bytes that may fill its disks: two of them after a restore whose job has failed. */
  bytes: number[] = [0];
  /** The byte of each backup that may be listed. */
  readonly backups = new Map<string, number>();
  /** The backups that were compared after an earlier round. */
  readonly compared = new Set<string>();
  readonly #world: World;
  readonly #totals: Totals;
  #exists = false;

  constructor(world: World, totals: Totals) {
    this.#world = world;
    this.#totals = totals;
  }

  async work(random: Random, until: number): Promise<void> {
    while (Date.now() < until) {
      await delay(random.below(PAUSE_MS));
      await this.#step(random);
    }
  }

  async #step(random: Random): Promise<void> {
    const { client } = this.#world;
    if (!this.#exists) return this.#create();
    if (this.#byte === UNKNOWN || random.chance(0.25)) return this.#fill(random);
    if (random.chance(0.2)) {
      const action = random.pick(['start', 'start', 'poweroff'] as const);
      await this.#perform(action, (idempotencyKey) =>
        client.guests.perform(this.id, action, { idempotencyKey }),
      );
      return;
    }
    if (this.backups.size === 0 || random.chance(0.45)) return this.#backUp();
    const backup = random.pick([...this.backups.keys()]);
    if (this.backups.size >= MAX_BACKUPS || random.chance(0.2)) return this.#drop(backup);
    if (random.chance(0.15)) {
      await this.#perform('prune', (idempotencyKey) => client.backups.prune({ idempotencyKey }));
      return;
    }
    return this.#restore(backup);
  }

  /** The byte that fills its disks for certain. */
  get #byte(): number {
    const [byte = UNKNOWN, ...others] = this.bytes;
    return others.length === 0 ? byte : UNKNOWN;
  }

  async #create(): Promise<void> {
    const disks = Array.from({ length: DISKS }, () => ({ size: DISK_MB }));
    const spec = { id: this.id, memory: 32, cpu: 1, disks };
    const job = await this.#perform('create', (idempotencyKey) =>
      this.#world.client.guests.create(spec, { idempotencyKey }),
    );
    this.#exists = job?.Status === 'Complete';
  }

  async #fill(random: Random): Promise<void> {
    const byte = 1 + random.below(255);
    this.bytes = [UNKNOWN];
    try {
      await fill(this.#world, this.id, byte);
      this.bytes = [byte];
      this.story.push(`filled with ${byte}`);
    } catch (error) {
      this.story.push(`not filled with ${byte}: ${String(error).split('\n')[0]}`);
    }
  }

  async #backUp(): Promise<void> {
    await this.#perform<PendingBackup>(
      'back up',
      (idempotencyKey) => this.#world.client.backupsOf(this.id).create({ idempotencyKey }),
      // It may be there even when its job has failed.
      ({ body }) => this.backups.set(body.id, this.#byte),
    );
  }

  async #drop(backup: string): Promise<void> {
    const { client } = this.#world;
    const job = await this.#perform(`delete ${backup}`, (idempotencyKey) =>
      client.backups.delete(backup, { idempotencyKey }),
    );
    if (job?.Status === 'Complete') this.backups.delete(backup);
  }

  async #restore(backup: string): Promise<void> {
    const { client } = this.#world;
    await this.#perform('poweroff', (idempotencyKey) =>
      client.guests.perform(this.id, 'poweroff', { idempotencyKey }),
    );
    const [before, after] = [this.#byte, this.backups.get(backup) ?? UNKNOWN];
    const job = await this.#perform(
      `restore ${backup}`,
      (idempotencyKey) => client.backups.restore(backup, { guest: this.id }, { idempotencyKey }),
      () => {
        this.bytes = [before, after];
      },
    );
    if (job?.Status === 'Complete') this.bytes = [after];
  }

  /** Sends a request and waits for its job; nothing is returned for a refused one. */
  async #perform<Body>(
    name: string,
    send: (key: string) => Promise<Accepted<Body>>,
    onAccepted: (accepted: Accepted<Body>) => void = () => {},
  ): Promise<Job | undefined> {
    const { accepted, refused } = await sendUntilAnswered(send);
    if (refused) {
      this.#totals.refused += 1;
      this.story.push(`${name}: ${refused.status} ${refused.message}`);
      // A backup whose job has failed need not be there.
      if (refused.status === 404)
        for (const id of [...this.backups.keys()]) if (name.includes(id)) this.backups.delete(id);
      return undefined;
    }
    if (!accepted) {
      this.violations.push(`${this.id}: ${name} has got no answer in ${JOB_MS / 1000} s`);
      return undefined;
    }
    this.#totals.accepted += 1;
    onAccepted(accepted);
    const job = await untilEnded(this.#world, accepted.jobId);
    if (!job || job === 'missing') {
      this.violations.push(`${this.id}: the job of ${name} (${accepted.jobId}) ${job ?? 'has not ended'}`);
      return undefined;
    }
    this.#totals[job.Status === 'Complete' ? 'completed' : 'failed'] += 1;
    this.story.push(`${name}: ${job.Status} ${job.Message} (${job.ID})`);
    return job;
  }
}
