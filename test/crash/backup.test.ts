import { randomInt } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { restoreDisk, TestGuest } from '../helpers/backup.js';
import { type BackupProgram, backupProgram } from '../helpers/backup-program.js';
import { needs } from '../helpers/needs.js';
import { numberFrom } from '../helpers/property.js';
import { Random } from '../helpers/random.js';
import { locksOf } from '../helpers/restic.js';
import { until } from '../helpers/wait.js';

const MB = 2 ** 20;
/** Rounds of work, SIGKILL and check. */
const ROUNDS = numberFrom('MISTIFY_CRASH_ROUNDS') ?? 3;
/** Backups that are kept, so that a round does not take ever longer. */
const KEPT = 3;
const SIZE = 64 * MB;

/** Two guests, and what each backup of them must have: its id is known before it is made. */
class World {
  readonly #t: ExecutionContext;
  readonly #program: BackupProgram;
  readonly #guests: TestGuest[];
  readonly #contents = new Map<string, string>();
  readonly #random = new Random(randomInt(2 ** 31));

  constructor(t: ExecutionContext, program: BackupProgram, guests: TestGuest[]) {
    this.#t = t;
    this.#program = program;
    this.#guests = guests;
  }

  /** Backs all guests up. */
  async backUp(): Promise<void> {
    await Promise.all(this.#guests.map((guest) => this.#backUp(guest)));
  }

  /** Does one thing, which may break off. @returns what it does */
  begin(): [what: string, done: Promise<unknown>] {
    const work = {
      backUp: () => this.backUp(),
      restore: () => this.#restore(),
      prune: () => this.#prune(),
    };
    // Most of what can break is in backups.
    const what = this.#random.pick(['backUp', 'backUp', 'restore', 'prune'] as const);
    return [what, work[what]()];
  }

  /** Kills restic or the sub-agent, at a random moment of the work. */
  async strike(): Promise<string> {
    await delay(this.#random.below(4000));
    if (this.#random.chance(0.5)) {
      await this.#program.kill();
      return 'the sub-agent';
    }
    return `${await this.#program.killRestic()} restic`;
  }

  /** Whatever was interrupted, all that is listed is whole, and nothing is left over. */
  async check(story: string): Promise<void> {
    const { call, dir } = this.#program;
    const { backups } = await call('List', {});
    for (const { id } of backups) {
      const { backup } = await call('Verify', { backup: id });
      this.#t.true(backup.verified?.ok, `${story}: backup ${id}`);
    }
    const latest = backups.at(-1);
    if (latest) {
      const restored = await restoreDisk(this.#t, this.#program, latest);
      this.#t.is(
        await restored.content(),
        this.#contents.get(latest.id) ?? 'unknown',
        `${story}: content of ${latest.id}`,
      );
    }
    for (const { id } of backups.slice(0, -KEPT)) await call('Delete', { backup: id });
    await until('the remains are gone', async () => (await readdir(join(dir, 'runs'))).length === 0);
    // The lock of a prune goes in the background, too: it leaves no run.
    await until(`${story}: no lock stays`, async () => (await locksOf(dir)).length === 0);
  }

  async #backUp(guest: TestGuest): Promise<void> {
    await guest.disk.scatter(this.#random, 20);
    const id = crypto.randomUUID();
    this.#contents.set(id, await guest.disk.content());
    await guest.backUp(this.#program, { id });
  }

  async #restore(): Promise<void> {
    const latest = (await this.#program.call('List', {})).backups.at(-1);
    if (latest) await restoreDisk(this.#t, this.#program, latest);
  }

  async #prune(): Promise<void> {
    const [oldest, another] = (await this.#program.call('List', {})).backups;
    if (oldest && another) await this.#program.call('Delete', { backup: oldest.id });
    await this.#program.call('Prune', {});
  }
}

needs(
  'restic',
  'qemu-nbd',
  'qemu-img',
  'qemu-io',
)(
  'no backup that is listed is damaged, and no lock stays, after SIGKILL of restic or the sub-agent at any moment',
  async (t) => {
    const program = await backupProgram(t, '--scratch', '64');
    const ids = ['7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10', '0b8a7c1e-3f55-4a55-8a34-5f2f3a3e7f01'];
    const guests = await Promise.all(ids.map((id) => TestGuest.create(t, SIZE, id)));
    const random = new Random(5);
    for (const guest of guests) await guest.disk.scatter(random, 200);
    const world = new World(t, program, guests);
    await program.start();
    await world.backUp();
    for (let round = 1; round <= ROUNDS; round += 1) {
      const [what, done] = world.begin();
      const ended = done.then(
        () => 'done',
        (error: Error) => error.message,
      );
      const struck = await world.strike();
      const story = `round ${round}: ${what}, killed ${struck}, ${await ended}`;
      t.log(story);
      await program.kill();
      await program.start();
      await world.check(story);
    }
  },
);
