// The browser console imports this file too: keep it free of Node and of other imports.

/**
 * - `info` responds at once;
 * - `stream` passes bytes through at once;
 * - `upload` passes the bytes of a request on at once, and returns what the sub-agent made of them;
 * - `console` connects to the guest at once, in both directions;
 * - `async` is queued, runs one at a time per guest, and has a job in the job log.
 */
export type ActionKind = 'info' | 'stream' | 'upload' | 'console' | 'async';

/** The tasks of async actions. `lib/runtime/actions/run-task.ts` has the function that runs each one. */
export type TaskKind = 'guest' | 'image' | 'volume' | 'snapshot' | 'backup' | 'restore' | 'volumeBackup';

interface CommonSpec {
  /** Whether containers have their own variant, `containerCreate` beside `create`. */
  hasContainerVariant?: boolean;
}

interface ImmediateSpec extends CommonSpec {
  kind: Exclude<ActionKind, 'async'>;
  task?: never;
  preempts?: never;
  survivesPoweroff?: never;
  changesGuest?: never;
  createsGuest?: never;
  imageChange?: never;
  volumeChange?: never;
  takesLong?: never;
  endsBackup?: never;
  backupChange?: never;
  sparesTemplates?: never;
  turnsGuest?: never;
}

interface AsyncSpec extends CommonSpec {
  kind: 'async';
  task: TaskKind;
  /** Whether it goes to the head of its guest's queue and cancels the actions that stand in its way. */
  preempts?: boolean;
  /** When a poweroff leaves this action alone: while it waits in the queue, or once it runs. */
  survivesPoweroff?: 'waiting' | 'running';
  /** Whether it changes a guest as the body of its request says, and has a route of its own. */
  changesGuest?: boolean;
  /** Whether it creates the guest that it runs for. */
  createsGuest?: boolean;
  /** Whether its stages may take as long as a download. */
  takesLong?: boolean;
  /** The change to the image when the action completes. */
  imageChange?: 'fetched' | 'deleted';
  /** The change to the volume when the action completes. */
  volumeChange?: 'created' | 'deleted';
  /**
   * When it ends a backup of its guest that is queued or running: once it is `requested`, or when it `runs` and the guest is
   * off, because the guest could not open its disks.
   */
  endsBackup?: 'requested' | 'runs';
  /** The change to the backup when the action completes. */
  backupChange?: 'created' | 'deleted' | 'verified';
  /** Whether it is refused for a template: it would start it, or change its disks. */
  sparesTemplates?: boolean;
  /** Whether it turns the guest on or off, or pauses it. */
  turnsGuest?: boolean;
}

/** The properties of an action that the config cannot change. */
export type ActionSpec = ImmediateSpec | AsyncSpec;

const info = { kind: 'info' } as const;
const guestInfo = { kind: 'info', hasContainerVariant: true } as const;
/** A change of a guest that exists. A poweroff cancels it only while it runs. */
const guestChange = {
  kind: 'async',
  task: 'guest',
  changesGuest: true,
  survivesPoweroff: 'waiting',
} as const;
const guestConsole = { kind: 'console', hasContainerVariant: true } as const;
const guestTask = { kind: 'async', task: 'guest', hasContainerVariant: true } as const;
const guestPower = { ...guestTask, turnsGuest: true } as const;
const imageTask = { kind: 'async', task: 'image', hasContainerVariant: true } as const;
const volumeTask = { kind: 'async', task: 'volume' } as const;
const backupTask = { kind: 'async', task: 'backup' } as const;
const volumeBackupTask = { kind: 'async', task: 'volumeBackup' } as const;
const restoreTask = { kind: 'async', task: 'restore' } as const;
const snapshotTask = { kind: 'async', task: 'snapshot', survivesPoweroff: 'waiting' } as const;

const SPECS = {
  create: { ...guestTask, survivesPoweroff: 'running', createsGuest: true },
  define: { ...guestTask, survivesPoweroff: 'running', createsGuest: true },
  clone: { kind: 'async', task: 'guest', survivesPoweroff: 'running', createsGuest: true, takesLong: true },
  importGuest: { kind: 'async', task: 'guest', survivesPoweroff: 'running', createsGuest: true },
  shutdown: guestPower,
  reboot: { ...guestPower, sparesTemplates: true },
  restart: { ...guestPower, endsBackup: 'runs', sparesTemplates: true },
  poweroff: { ...guestPower, preempts: true, survivesPoweroff: 'waiting', endsBackup: 'requested' },
  start: { ...guestPower, endsBackup: 'runs', sparesTemplates: true },
  suspend: guestPower,
  save: guestPower,
  resume: { ...guestPower, sparesTemplates: true },
  upgradeMachine: guestChange,
  warm: { ...guestChange, endsBackup: 'runs' },
  cool: guestChange,
  addDisk: { ...guestChange, sparesTemplates: true },
  changeDisk: { ...guestChange, sparesTemplates: true },
  removeDisk: { ...guestChange, sparesTemplates: true },
  update: { ...guestChange, hasContainerVariant: true },
  addNic: guestChange,
  changeNic: guestChange,
  removeNic: guestChange,
  changeCdrom: guestChange,
  delete: { ...guestTask, preempts: true, survivesPoweroff: 'waiting', endsBackup: 'requested' },
  cpuMetrics: guestInfo,
  diskMetrics: guestInfo,
  nicMetrics: guestInfo,
  allMetrics: guestInfo,
  serialConsole: guestConsole,
  vncConsole: guestConsole,
  listImages: guestInfo,
  getImage: guestInfo,
  fetchImage: { ...imageTask, imageChange: 'fetched', takesLong: true },
  uploadImage: { kind: 'upload' },
  getUpload: info,
  deleteUpload: info,
  downloadImage: { kind: 'stream', hasContainerVariant: true },
  createImage: { kind: 'async', task: 'image', imageChange: 'fetched', takesLong: true },
  deleteImage: { ...imageTask, imageChange: 'deleted' },
  unusedImages: guestInfo,
  pruneImages: imageTask,
  listVolumes: info,
  getVolume: info,
  downloadVolume: { kind: 'stream' },
  uploadVolume: { kind: 'upload' },
  createVolume: { ...volumeTask, volumeChange: 'created' },
  deleteVolume: { ...volumeTask, volumeChange: 'deleted' },
  unusedVolumes: info,
  pruneVolumes: volumeTask,
  listSnapshots: info,
  getSnapshot: info,
  createSnapshot: snapshotTask,
  createCheckpoint: snapshotTask,
  updateSnapshot: snapshotTask,
  deleteSnapshot: snapshotTask,
  rollbackSnapshot: { ...snapshotTask, sparesTemplates: true },
  downloadSnapshot: { kind: 'stream' },
  listBackups: info,
  getBackup: info,
  createBackup: { ...backupTask, backupChange: 'created' },
  deleteBackup: { ...backupTask, backupChange: 'deleted' },
  verifyBackup: { ...backupTask, backupChange: 'verified' },
  pruneBackups: backupTask,
  restoreBackup: { ...restoreTask, survivesPoweroff: 'waiting', sparesTemplates: true },
  restoreGuest: { ...restoreTask, survivesPoweroff: 'running', createsGuest: true },
  downloadBackupDisk: { kind: 'stream' },
  listVolumeBackups: info,
  createVolumeBackup: volumeBackupTask,
  restoreVolumeBackup: { ...volumeBackupTask, volumeChange: 'created' },
  verifyVolumeBackup: volumeBackupTask,
  deleteVolumeBackup: volumeBackupTask,
  storageSpace: info,
  diskUse: info,
  networks: info,
  guestAddresses: guestInfo,
  agentInfo: info,
  exec: guestInfo,
  execSession: guestConsole,
  logs: { kind: 'stream', hasContainerVariant: true },
  exportGuest: { kind: 'stream' },
  receiveGuest: { kind: 'upload' },
  discardImport: info,
  readFile: { kind: 'stream' },
  writeFile: info,
  setPassword: info,
  addSshKeys: info,
  trim: info,
  setClock: info,
} as const satisfies Record<string, ActionSpec>;

type Specs = typeof SPECS;
type NamesWith<Spec> = { [Name in keyof Specs]: Specs[Name] extends Spec ? Name : never }[keyof Specs];

/** An action of virtual machines and disk images, without the container variants. */
export type BaseActionName = keyof Specs;
/** Every name that a config may have under `actions`. */
export type ActionName = BaseActionName | `container${Capitalize<NamesWith<{ hasContainerVariant: true }>>}`;

/** The async actions whose jobs have that kind of task. */
export type ActionOfTask<Kind extends TaskKind> = NamesWith<{ task: Kind }>;
/** The actions that cancel others: `poweroff` and `delete`. */
export type PreemptingAction = NamesWith<{ preempts: true }>;
/** The actions that create a guest from what its request says. */
export type Creation = NamesWith<{ task: 'guest'; createsGuest: true }>;
/** The actions of a guest that exists. */
export type GuestTask = Exclude<ActionOfTask<'guest'>, Creation>;
/** Those that change the guest, with a route of their own. */
export type GuestChangeAction = NamesWith<{ changesGuest: true }>;
/** The others, which a client requests by name, as the last part of a guest's path. */
export type GuestAction = Exclude<GuestTask, GuestChangeAction>;

const NAMES = Object.keys(SPECS) as BaseActionName[];

export const isPreempting = (name: BaseActionName): name is PreemptingAction =>
  (SPECS[name] as ActionSpec).preempts === true;

export const isCreation = (name: BaseActionName): name is Creation => {
  const { task, createsGuest = false }: ActionSpec = SPECS[name];
  return task === 'guest' && createsGuest;
};

/** Returns an action's name for guests or images of a type: `create` is `containerCreate` for a container. */
export const actionName = (type: string | undefined, name: BaseActionName): ActionName =>
  type === 'container' && (SPECS[name] as ActionSpec).hasContainerVariant
    ? (`container${name.charAt(0).toUpperCase()}${name.slice(1)}` as ActionName)
    : name;

/** All actions by name, container variants included. An old job may have the name of an action that no longer exists. */
export const ACTION_SPECS: ReadonlyMap<string, ActionSpec> = new Map(
  [undefined, 'container'].flatMap((type) => NAMES.map((name) => [actionName(type, name), SPECS[name]])),
);
