import { randomInt } from 'node:crypto';
import type { Backend } from '../../helpers/backends.js';
import { createGuest, snapshotRequest, type TestStorage } from '../../helpers/storage.js';

/** The expected state of a guest. Before each snapshot, its two disks are filled with one byte. */
export interface GuestState {
  exists: boolean;
  byte: number;
  /** In the order of creation, each with the byte that filled the disks then. */
  snapshots: { name: string; byte: number }[];
}

export interface ImageState {
  exists: boolean;
}

/** A call to the store, and the state after it succeeds. */
interface Step<State> {
  what: string;
  call: () => Promise<unknown>;
  after: State;
}

/** A guest or an image in the store, and what to do with it next. */
export interface Subject<State> {
  id: string;
  state: State;
  /** The other possible state, when the process was killed during a step. */
  possible?: State | undefined;
  next: (state: State) => Promise<Step<State>>;
}

const pick = <T>(items: readonly T[]): T => items[randomInt(items.length)] as T;

export const DISKS = 2;
const FILL = '0 256k';

const sources = async ({ call }: TestStorage, id: string): Promise<string[]> => {
  // For existing disks, the call returns them.
  const { guest } = await call('CreateGuestDisks', { guest: { id, disks: DISK_REQUEST } });
  return guest.disks.map(({ source }) => source);
};

const DISK_REQUEST = [{ image: 'base' }, { size: 1 }];

let names = 0;

export const guestSubject = (backend: Backend, storage: TestStorage, id: string): Subject<GuestState> => {
  const { call } = storage;
  const guest = `guests/${id}`;

  const fill = async (byte: number): Promise<void> => {
    for (const source of await sources(storage, id)) await backend.io(source, `write -P ${byte} ${FILL}`);
  };

  const take = async (state: GuestState): Promise<Step<GuestState>> => {
    const byte = randomInt(1, 256);
    // The test itself fills the disks, and the kill may come between the two.
    subject.state = { ...state, byte: UNKNOWN };
    await fill(byte);
    subject.state = { ...state, byte };
    names += 1;
    const name = `snap-${names}`;
    return {
      what: `take ${name}`,
      call: () => call('CreateSnapshot', snapshotRequest(guest, { dest: name })),
      after: { ...state, byte, snapshots: [...state.snapshots, { name, byte }] },
    };
  };

  const rollBack = (state: GuestState): Step<GuestState> => {
    const at = randomInt(state.snapshots.length);
    const { name = '', byte = 0 } = state.snapshots[at] ?? {};
    return {
      what: `roll back to ${name}`,
      call: () => call('RollbackSnapshot', snapshotRequest(`${guest}@${name}`, { destroyMoreRecent: true })),
      after: { ...state, byte, snapshots: state.snapshots.slice(0, at + 1) },
    };
  };

  const drop = (state: GuestState): Step<GuestState> => {
    const { name } = pick(state.snapshots);
    return {
      what: `delete ${name}`,
      call: () => call('DeleteSnapshot', snapshotRequest(`${guest}@${name}`)),
      after: { ...state, snapshots: state.snapshots.filter((snapshot) => snapshot.name !== name) },
    };
  };

  const create = (): Step<GuestState> => ({
    what: 'create',
    call: () => createGuest(storage, DISK_REQUEST, id),
    after: { exists: true, byte: UNKNOWN, snapshots: [] },
  });

  const remove = (): Step<GuestState> => ({
    what: 'delete',
    call: () => call('DeleteGuestsDisks', { guest: { id } }),
    after: GONE,
  });

  const subject: Subject<GuestState> = {
    id,
    state: GONE,
    next: async (state) => {
      if (!state.exists) return create();
      if (state.snapshots.length === 0) return randomInt(4) === 0 ? remove() : take(state);
      if (state.snapshots.length > 3) return pick([rollBack, drop])(state);
      return pick([take, take, rollBack, drop, async () => remove()])(state);
    },
  };
  return subject;
};

/** The disks may be filled with different bytes. */
export const UNKNOWN = -1;

const GONE: GuestState = { exists: false, byte: UNKNOWN, snapshots: [] };

/** Tells whether all disks are filled with a byte. */
export const isFilled = async (
  backend: Backend,
  storage: TestStorage,
  id: string,
  byte: number,
): Promise<boolean> => {
  if (byte === UNKNOWN) return true;
  try {
    for (const source of await sources(storage, id)) await backend.io(source, `read -P ${byte} ${FILL}`);
    return true;
  } catch {
    return false;
  }
};

/** @param source the file to fetch the image from */
export const imageSubject = ({ call }: TestStorage, id: string, source: string): Subject<ImageState> => ({
  id,
  state: { exists: false },
  next: async ({ exists }) =>
    exists
      ? { what: 'delete', call: () => call('DeleteImage', { id }), after: { exists: false } }
      : {
          what: 'fetch',
          call: () => call('RequestImage', { id, type: 'kvm', dest: '', source }),
          after: { exists: true },
        },
});
