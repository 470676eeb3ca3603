import { parseSnapshotId, type Snapshot } from '../../lib/model/snapshot.js';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import type { SnapshotRequest } from '../../lib/rpc/protocol/snapshot-messages.js';
import type { CallContext } from '../../lib/rpc/server/call-context.js';
import type { Script } from './scripted.js';

/** The snapshots that a scripted sub-agent keeps, like a real one: a name is taken once, and times are in seconds. */
export class KeptSnapshots {
  readonly #snapshots = new Map<string, Snapshot>();
  /** The names that were made, in order, with their guests. */
  readonly made: { guest: string; name: string }[] = [];
  /** Called before a snapshot is made or deleted. */
  before: (change: 'create' | 'delete', guest: string) => unknown = () => {};
  #seconds = 0;

  readonly methods: NonNullable<Script['methods']> = {
    'Test.createSnapshot': (request, call) => this.#create(request, call),
    'Test.listSnapshots': ({ id }: SnapshotRequest) => this.#found(id),
    'Test.getSnapshot': ({ id }: SnapshotRequest) => this.#found(id),
    'Test.deleteSnapshot': (request, call) => this.#delete(request, call),
  };

  /** Returns the names of a guest's snapshots, oldest first. */
  of(guest: string): string[] {
    return this.#found(`guests/${guest}`).snapshots.map(({ id }) => parseSnapshotId(id)?.name ?? '');
  }

  /** Makes a snapshot as a user does. */
  add(guest: string, name: string): void {
    this.#seconds += 100;
    const id = `guests/${guest}/disk-0@${name}`;
    this.#snapshots.set(id, { id, size: 8, created: new Date(this.#seconds * 1000).toISOString() });
  }

  /** Deletes a snapshot as a user does. */
  drop(guest: string, name: string): void {
    this.#snapshots.delete(`guests/${guest}/disk-0@${name}`);
  }

  #found(id: string): { snapshots: Snapshot[] } {
    const { guest, name } = parseSnapshotId(id) ?? {};
    const found = [...this.#snapshots.values()].filter((snapshot) => {
      const parts = parseSnapshotId(snapshot.id);
      return parts?.guest === guest && (name === undefined || parts?.name === name);
    });
    return { snapshots: found };
  }

  async #create({ id, dest }: SnapshotRequest, { job }: CallContext): Promise<{ snapshots: Snapshot[] }> {
    const { guest = '' } = parseSnapshotId(id) ?? {};
    await this.before('create', guest);
    const isTaken = this.of(guest).includes(dest);
    if (isTaken && (job?.attempt ?? 1) === 1) throw new Refusal('conflict', `${dest} already exists`);
    if (!isTaken) {
      this.add(guest, dest);
      this.made.push({ guest, name: dest });
    }
    return this.#found(`guests/${guest}@${dest}`);
  }

  async #delete({ id }: SnapshotRequest, { job }: CallContext): Promise<{ snapshots: Snapshot[] }> {
    const { guest = '', name = '' } = parseSnapshotId(id) ?? {};
    await this.before('delete', guest);
    if (!this.of(guest).includes(name) && (job?.attempt ?? 1) === 1)
      throw new Refusal('not_found', `snapshot ${name}: not found`);
    this.drop(guest, name);
    return { snapshots: [] };
  }
}
