import type { Backup } from '../../lib/model/backup.js';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import type { AnyRequest, Script } from './scripted.js';

/** The backups that a scripted sub-agent keeps, like a repository. */
export class KeptBackups {
  readonly #backups = new Map<string, Backup>();
  /** The ids of verified backups, in order. */
  readonly verified: string[] = [];
  prunes = 0;
  /** Called before a backup is made. */
  before: () => unknown = () => {};
  #seconds = 0;

  readonly methods: NonNullable<Script['methods']> = {
    'Test.createBackup': async ({ guest, backup = '' }) => {
      await this.before();
      return { backup: this.add(guest.id, backup) };
    },
    'Test.listBackups': (request) => ({ backups: this.#listed(request) }),
    'Test.getBackup': ({ backup = '' }) => {
      const found = this.#require(backup);
      return { backup: found, record: { id: found.guest }, files: [] };
    },
    'Test.deleteBackup': ({ backup = '' }) => {
      this.#require(backup);
      this.#backups.delete(backup);
      return {};
    },
    'Test.verifyBackup': ({ backup = '' }) => {
      const verified = { ...this.#require(backup), verified: { at: this.#now(), ok: true } };
      this.verified.push(backup);
      this.#backups.set(backup, verified);
      return { backup: verified };
    },
    'Test.pruneBackups': () => {
      this.prunes += 1;
      return {};
    },
  };

  /** Makes a backup as a user does. */
  add(guest: string, id: string): Backup {
    const backup: Backup = {
      ...{ id, guest, host: 'here', created: this.#now(), consistency: 'crash', size: 8, read: 8 },
      disks: [{ disk: '0', size: 8 }],
    };
    this.#backups.set(id, backup);
    return backup;
  }

  /** Returns the ids of a guest's backups, oldest first. */
  of(guest: string): string[] {
    return [...this.#backups.values()].filter((each) => each.guest === guest).map(({ id }) => id);
  }

  #listed({ guest }: AnyRequest): Backup[] {
    const id: unknown = guest;
    return [...this.#backups.values()].filter((each) => id === undefined || each.guest === id);
  }

  #require(id: string): Backup {
    const found = this.#backups.get(id);
    if (!found) throw new Refusal('not_found', `backup ${id}: not found`);
    return found;
  }

  #now(): string {
    this.#seconds += 1;
    return new Date(this.#seconds * 1000).toISOString();
  }
}
