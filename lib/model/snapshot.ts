import Joi from 'joi';

/**
 * How consistent a snapshot is: `crash` is the disk as after a power cut; `filesystem` is the disk after the guest has
 * flushed and frozen its file systems.
 */
export type Consistency = 'crash' | 'filesystem';

/** A snapshot of a disk; its id is `guests/GUEST/disk-DISK@NAME`. */
export interface Snapshot {
  id: string;
  /** MB (2^20 bytes). */
  size: number;
  /** Absent when the sub-agent does not report it. */
  consistency?: Consistency;
  /** When it was taken, as in RFC 3339. */
  created?: string;
  /** MB (2^20 bytes) that only this snapshot holds, where the store knows that. */
  used?: number;
  /** Absent for a snapshot without one. */
  description?: string;
  /** MB that the guest's memory of that moment takes, once for all disks; absent for a snapshot without it. */
  memory?: number;
}

/** The most that a property of ZFS can hold, whatever the characters: 1024 bytes with zfs-fuse. */
const MAX_DESCRIPTION = 255;

export const snapshotDescriptionSchema = Joi.string()
  .pattern(/^\P{Cc}*$/u, 'be one line')
  .max(MAX_DESCRIPTION)
  .label('description')
  .description('What the snapshot is for, in one line')
  .example('before the upgrade to 13');

export const snapshotSchema = Joi.object<Snapshot>({
  id: Joi.string().required(),
  size: Joi.number().default(0),
  consistency: Joi.string()
    .valid('crash', 'filesystem')
    .description('`crash`: as after a power cut; `filesystem`: the guest had flushed its file systems')
    .example('filesystem'),
  created: Joi.string().description('When it was taken, as in RFC 3339').example('2026-01-31T12:00:00.000Z'),
  used: Joi.number().description('MB that only this snapshot holds, as far as the storage knows that'),
  description: Joi.string()
    .allow('')
    .description('What it is for; absent without one')
    .example('before the upgrade to 13'),
  memory: Joi.number().description(
    "MB that the guest's memory takes, once for all of its disks; absent for a snapshot without memory",
  ),
}).label('snapshot');

export const snapshotNameSchema = Joi.string()
  .pattern(/^[a-zA-Z0-9_:.-]+$/, 'consist of letters, digits and _ : . -')
  .max(255)
  .label('snapshot name')
  .description('Letters, digits and `_ : . -`')
  .example('before-upgrade');

export const diskIdSchema = Joi.string()
  .pattern(
    /^([0-9]|1[0-9]|2[0-5]|disk[0-9]{1,2}-[0-9a-f]{12}|(vd|sd|hd|xvd)[a-z])$/,
    'be the number of a disk (0-25), its serial, or its device such as vda',
  )
  .label('disk')
  .description('A disk by number (0-25), serial or device name')
  .example('vda');

/** Formats the id that selects snapshots in calls to sub-agents. */
export const snapshotId = (guest: string, disk?: string, name?: string): string =>
  `guests/${guest}${disk === undefined ? '' : `/disk-${disk}`}${name === undefined ? '' : `@${name}`}`;

export interface SnapshotIdParts {
  guest: string;
  disk?: string;
  name?: string;
}

const SNAPSHOT_ID =
  /^guests\/(?<guest>[0-9a-f-]{36})(\/disk-(?<disk>[a-z0-9-]+))?(@(?<name>[a-zA-Z0-9_:.-]{1,255}))?$/;

/** Parses a snapshot id; returns `undefined` for any other text. */
export const parseSnapshotId = (id: string): SnapshotIdParts | undefined => {
  const groups = SNAPSHOT_ID.exec(id)?.groups;
  if (!groups?.guest) return undefined;
  return {
    guest: groups.guest,
    ...(groups.disk === undefined ? {} : { disk: groups.disk }),
    ...(groups.name === undefined ? {} : { name: groups.name }),
  };
};

/** Names what a snapshot id selects, for messages: `snapshot NAME of guest GUEST`. */
export const describeSnapshot = (id: string): string => {
  const { guest, disk, name } = parseSnapshotId(id) ?? {};
  if (guest === undefined) return `snapshot ${id}`;
  const holder = disk === undefined ? `guest ${guest}` : `disk ${disk} of guest ${guest}`;
  return name === undefined ? holder : `snapshot ${name} of ${holder}`;
};
