import Joi from 'joi';

/**
 * What can be relied on in a snapshot: `crash` is what a power cut would have left on the disk, `filesystem` what a
 * guest leaves there that has written everything out.
 */
export type Consistency = 'crash' | 'filesystem';

/** A snapshot of one disk, its id `guests/GUEST/disk-DISK@NAME`. */
export interface Snapshot {
  id: string;
  /** MB (2^20 bytes). */
  size: number;
  /** Absent where the sub-agent does not say. */
  consistency?: Consistency;
}

export const snapshotSchema = Joi.object<Snapshot>({
  id: Joi.string().required(),
  size: Joi.number().default(0),
  consistency: Joi.string()
    .valid('crash', 'filesystem')
    .description('`crash`: as after a power cut; `filesystem`: everything was written out')
    .example('filesystem'),
}).label('snapshot');

export const snapshotNameSchema = Joi.string()
  .pattern(/^[a-zA-Z0-9_:.-]+$/, 'snapshot name (letters, digits, _ : . -)')
  .max(255)
  .label('snapshot name')
  .description('Letters, digits and `_ : . -`')
  .example('before-upgrade');

export const diskIdSchema = Joi.string()
  .pattern(/^(0|[1-9]|1[0-9]|2[0-5]|(vd|sd|hd|xvd)[a-z])$/, 'disk (its number, or its device such as vda)')
  .label('disk')
  .description('The number of a disk (0-25) or its device name')
  .example('vda');

/** The snapshot ids of the sub-agents' wire. */
export const snapshotId = (guest: string, disk?: string, name?: string): string =>
  `guests/${guest}${disk === undefined ? '' : `/disk-${disk}`}${name === undefined ? '' : `@${name}`}`;

export interface SnapshotIdParts {
  guest: string;
  disk?: string;
  name?: string;
}

const SNAPSHOT_ID =
  /^guests\/(?<guest>[0-9a-f-]{36})(\/disk-(?<disk>[a-z0-9]+))?(@(?<name>[a-zA-Z0-9_:.-]{1,255}))?$/;

/** Takes a snapshot id apart; `undefined` when it is none. */
export const parseSnapshotId = (id: string): SnapshotIdParts | undefined => {
  const groups = SNAPSHOT_ID.exec(id)?.groups;
  if (!groups?.guest) return undefined;
  return {
    guest: groups.guest,
    ...(groups.disk === undefined ? {} : { disk: groups.disk }),
    ...(groups.name === undefined ? {} : { name: groups.name }),
  };
};
