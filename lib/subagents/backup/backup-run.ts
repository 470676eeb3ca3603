import { shownName } from '../../model/secrets.js';
import { MB } from '../../model/units.js';
import type { CreateBackupRequest } from '../../rpc/protocol/backup-messages.js';
import type { CallContext } from '../../rpc/server/call-context.js';
import { type BaseTree, treesDir } from './base-tree.js';
import { fillDisk } from './chunks/fill.js';
import type { Tree } from './chunks/tree.js';
import type { BackupDeps } from './deps.js';
import { requireExact } from './guards.js';
import { oncePerSecond } from './progress.js';
import { contentText } from './record-text.js';
import type { Summary } from './restic/snapshots.js';
import { readSmallFiles } from './small-files.js';
import { type NewBackup, PART_TAG, runTag, tagsOf } from './tags.js';
import { describeWhole, whyWhole } from './whole.js';

/** A snapshot that was made and checked, and the tree that is as it. */
export interface RunResult {
  snapshot: string;
  backup: NewBackup;
  /** The latest modification time in the tree, in seconds since 1970. */
  stamp: number;
  /** Bytes that were added to the repository. */
  stored: number;
  /** Whether it left snapshots of parts. */
  hasParts: boolean;
}

/** One attempt to make a backup of a guest. */
export class BackupRun {
  readonly #deps: BackupDeps;
  readonly #request: CreateBackupRequest;
  readonly #call: Pick<CallContext, 'signal' | 'progress'>;
  readonly #run: string;
  readonly #tree: Tree;
  readonly #base: BaseTree['base'];
  #parent: string | undefined;
  #hasParts = false;
  #read = 0;
  #stored = 0;
  readonly #report = oncePerSecond((position: number, total: number) =>
    this.#call.progress(`${Math.floor(this.#read / MB)} MB read`, Math.floor((position / total) * 100)),
  );

  constructor(
    deps: BackupDeps,
    request: CreateBackupRequest,
    call: Pick<CallContext, 'signal' | 'progress'>,
    run: string,
    { tree, base, parent }: BaseTree,
  ) {
    this.#deps = deps;
    this.#request = request;
    this.#call = call;
    this.#run = run;
    this.#tree = tree;
    this.#base = base;
    this.#parent = parent;
  }

  /** Reads the disks, stores what has changed, and checks what was stored. */
  async make(): Promise<RunResult> {
    const { guest, backup: id, source } = this.#request;
    const reasons = new Map(source.disks.map((disk) => [disk.disk, whyWhole(this.#base, disk)]));
    await this.#removeOldDisks();
    await this.#readDisks(reasons);
    const whole = describeWhole(reasons);
    const backup: NewBackup = {
      id,
      guest: guest.id,
      ...shownName(guest),
      host: this.#deps.host,
      created: source.moment,
      consistency: source.consistency,
      read: this.#read,
      ...(whole === undefined ? {} : { whole }),
      disks: source.disks.map(({ disk, size }) => ({ disk, size })),
    };
    const files = await readSmallFiles(source.files);
    await this.#tree.writeSmall(files, contentText(backup, [...files.keys()], guest));
    const { stamp } = this.#tree;
    const { snapshot_id: snapshot } = await this.#store(tagsOf(backup, this.#run));
    return { snapshot, backup, stamp, stored: this.#stored, hasParts: this.#hasParts };
  }

  /** Removes the disks that the guest no longer has, and those of another size, whose chunks may have another size. */
  async #removeOldDisks(): Promise<void> {
    const { disks } = this.#request.source;
    const before = 'last' in this.#base ? this.#base.last.disks : [];
    for (const name of this.#tree.diskNames) {
      const now = disks.find(({ disk }) => disk === name);
      if (!now || now.size !== before.find(({ disk }) => disk === name)?.size)
        await this.#tree.removeDisk(name);
    }
  }

  async #readDisks(reasons: ReadonlyMap<string, string | undefined>): Promise<void> {
    const { disks } = this.#request.source;
    const total = disks.reduce((sum, { size }) => sum + size, 0);
    let before = 0;
    for (const disk of disks) {
      const start = before;
      await fillDisk(this.#tree, disk, {
        bitmap: reasons.get(disk.disk) === undefined ? disk.bitmap : undefined,
        signal: this.#call.signal,
        maxBytes: this.#deps.maxScratchBytes,
        drain: () => this.#storePart(),
        onRead: (position, bytes) => {
          this.#read += bytes;
          this.#report(start + position, total);
        },
      });
      before += disk.size;
    }
  }

  async #storePart(): Promise<void> {
    this.#hasParts = true;
    const { snapshot_id } = await this.#store([PART_TAG, runTag(this.#run)]);
    this.#parent = snapshot_id;
  }

  /** Makes a snapshot of the tree, and checks that it has what it must have. */
  async #store(tags: readonly string[]): Promise<Summary> {
    const { repository, dir } = this.#deps;
    const { guest, source } = this.#request;
    const { signal, progress } = this.#call;
    const expected = await this.#tree.finish();
    progress(`storing ${Math.ceil(this.#tree.filledBytes / MB)} MB in the repository`);
    const summary = await repository.backup(
      {
        folder: guest.id,
        cwd: treesDir(dir),
        guest: guest.id,
        tags,
        moment: source.moment,
        parent: this.#parent,
      },
      signal,
    );
    requireExact(summary, expected);
    this.#stored += summary.data_added_packed ?? summary.data_added;
    await this.#tree.settle();
    return summary;
  }
}
