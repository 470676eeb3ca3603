export interface SnapshotIdParts {
  disk?: string;
  name?: string;
}

/** Splits a snapshot's ID: `guests/GUEST/disk-DISK@NAME`, or without a disk `guests/GUEST@NAME`. */
export const parseSnapshotId = (id: string): SnapshotIdParts =>
  /(?:\/disk-(?<disk>[^@/]+))?@(?<name>.+)$/.exec(id)?.groups ?? {};
