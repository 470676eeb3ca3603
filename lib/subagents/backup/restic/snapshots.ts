/** A snapshot as `restic snapshots --json` lists it. */
export interface Snapshot {
  id: string;
  /** RFC 3339. */
  time: string;
  /** The id of the guest. */
  hostname: string;
  tags?: string[];
  /** From restic 0.17 on. */
  summary?: { data_added_packed?: number; total_bytes_processed?: number };
}

/** The summary of `restic backup --json`. */
export interface Summary {
  files_new: number;
  files_changed: number;
  files_unmodified: number;
  total_files_processed: number;
  /** Bytes before compression. */
  data_added: number;
  /** Bytes after compression. From restic 0.17 on. */
  data_added_packed?: number;
  snapshot_id: string;
  total_bytes_processed: number;
}

/** A file or folder as `restic ls --json` lists it. */
export interface SnapshotNode {
  type: string;
  path: string;
  size?: number;
  mtime: string;
}

/** A snapshot of one file, whose content restic reads from its standard input. */
export interface NewFileSnapshot {
  /** The name of the file. */
  file: string;
  host: string;
  tags: readonly string[];
  /** RFC 3339. */
  moment: string;
}

export interface NewSnapshot {
  /** The folder to back up, in the working directory. */
  folder: string;
  cwd: string;
  guest: string;
  tags: readonly string[];
  /** RFC 3339. */
  moment: string;
  /** The snapshot whose files are taken over where size and mtime are equal; all files are read without one. */
  parent: string | undefined;
}

/** restic's notation of a time, to the second: the time zone of its environment is UTC. */
const timeText = (moment: string): string => new Date(moment).toISOString().slice(0, 19).replace('T', ' ');

/** The arguments of `restic backup`. Without a parent it must be forced: it would look for one by itself. */
export const backupArgs = ({ folder, guest, tags, moment, parent }: NewSnapshot): string[] => [
  ...['backup', '--json', '--host', guest, '--time', timeText(moment)],
  ...tags.flatMap((tag) => ['--tag', tag]),
  ...(parent === undefined ? ['--force'] : ['--parent', parent, '--ignore-inode', '--ignore-ctime']),
  ...['--', folder],
];

/** The arguments of `restic backup` of a file from its standard input. */
export const fileBackupArgs = ({ file, host, tags, moment }: NewFileSnapshot): string[] => [
  ...['backup', '--json', '--host', host, '--time', timeText(moment)],
  ...tags.flatMap((tag) => ['--tag', tag]),
  ...['--stdin', '--stdin-filename', file],
];

/** Parses a line of JSON of one kind; `undefined` for others, and for text. */
const parseLine = (line: string): Record<string, unknown> | undefined => {
  if (!line.startsWith('{')) return undefined;
  return JSON.parse(line) as Record<string, unknown>;
};

export const parseSummary = (line: string): Summary | undefined => {
  const value = parseLine(line);
  return value?.message_type === 'summary' ? (value as unknown as Summary) : undefined;
};

export const parseNode = (line: string): SnapshotNode | undefined => {
  const value = parseLine(line);
  return value?.struct_type === 'node' ? (value as unknown as SnapshotNode) : undefined;
};
