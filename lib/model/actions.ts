/**
 * - `info` answers at once;
 * - `stream` passes data through at once;
 * - `console` connects with the guest at once, in both directions;
 * - `async` is queued, one at a time per guest, and followed through the job log.
 */
export type ActionType = 'info' | 'stream' | 'console' | 'async';

/** The actions of a guest that a client may ask for by name, as the last part of the path. */
export const GUEST_ACTIONS = [
  'shutdown',
  'reboot',
  'restart',
  'poweroff',
  'start',
  'suspend',
  'resume',
  'delete',
] as const;
export type GuestAction = (typeof GUEST_ACTIONS)[number];

const FOR_CONTAINERS_TOO: Record<string, ActionType> = {
  create: 'async',
  ...Object.fromEntries(GUEST_ACTIONS.map((name) => [name, 'async' as const])),
  cpuMetrics: 'info',
  diskMetrics: 'info',
  nicMetrics: 'info',
  allMetrics: 'info',
  serialConsole: 'console',
  vncConsole: 'console',
  listImages: 'info',
  getImage: 'info',
  fetchImage: 'async',
  deleteImage: 'async',
};

const SNAPSHOT_ACTIONS: Record<string, ActionType> = {
  listSnapshots: 'info',
  getSnapshot: 'info',
  createSnapshot: 'async',
  deleteSnapshot: 'async',
  rollbackSnapshot: 'async',
  downloadSnapshot: 'stream',
};

/** The action's name for guests and images of that type: `create` is `containerCreate` for a container. */
export const actionName = (type: string | undefined, name: string): string =>
  type === 'container' ? `container${name.charAt(0).toUpperCase()}${name.slice(1)}` : name;

/** Every action that a config may have, with its type. */
export const ACTION_TYPES: ReadonlyMap<string, ActionType> = new Map([
  ...Object.entries(FOR_CONTAINERS_TOO),
  ...Object.entries(FOR_CONTAINERS_TOO).map(([name, type]) => [actionName('container', name), type] as const),
  ...Object.entries(SNAPSHOT_ACTIONS),
]);
