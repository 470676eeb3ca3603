/** The byte that fills a disk when it is not known, because writing it was interrupted. It matches any. */
export const UNKNOWN = -1;

export interface SnapshotModel {
  name: string;
  /** The byte that filled the disks when it was taken. */
  byte: number;
}

/**
 * One state that a guest may be in.
 * - `there`: all of it exists;
 * - `partly`: its creation or deletion has failed; the agent has it, and its deletion removes the rest;
 * - `gone`: nothing of it exists.
 */
export type GuestModel =
  | { is: 'there'; byte: number; snapshots: SnapshotModel[] }
  | { is: 'partly' }
  | { is: 'gone' };

export const GONE: GuestModel = { is: 'gone' };
export const PARTLY: GuestModel = { is: 'partly' };
/** A new guest: its disks are empty. */
export const NEW: GuestModel = { is: 'there', byte: 0, snapshots: [] };

/** The states after an action that succeeded. An action on a guest that is not there changes nothing. */
export type Effect = (state: GuestModel) => GuestModel;
/** The further states after an action that failed, besides that before and that of success. */
export type Failure = (state: GuestModel) => GuestModel[];

type There = Extract<GuestModel, { is: 'there' }>;

const whenThere =
  (change: (state: There) => GuestModel): Effect =>
  (state) =>
    state.is === 'there' ? change(state) : state;

export const unchanged: Effect = (state) => state;

export const taken = (name: string): Effect =>
  whenThere((state) => ({
    ...state,
    snapshots: [...state.snapshots.filter((snapshot) => snapshot.name !== name), { name, byte: state.byte }],
  }));

export const dropped = (name: string): Effect =>
  whenThere((state) => ({
    ...state,
    snapshots: state.snapshots.filter((snapshot) => snapshot.name !== name),
  }));

export const rolledBack = (name: string): Effect =>
  whenThere((state) => {
    const at = state.snapshots.findIndex((snapshot) => snapshot.name === name);
    const snapshot = state.snapshots[at];
    return snapshot ? { ...state, byte: snapshot.byte, snapshots: state.snapshots.slice(0, at + 1) } : state;
  });

/** A rollback may keep some of the newer snapshots, and its job then ends in `Error`. */
export const partlyRolledBack =
  (name: string): Failure =>
  (state) => {
    if (state.is !== 'there') return [];
    const at = state.snapshots.findIndex((snapshot) => snapshot.name === name);
    if (at === -1) return [];
    const older = state.snapshots.slice(0, at + 1);
    let subsets: SnapshotModel[][] = [[]];
    for (const next of state.snapshots.slice(at + 1))
      subsets = subsets.flatMap((set) => [set, [...set, next]]);
    const byte = state.snapshots[at]?.byte ?? UNKNOWN;
    return subsets.map((kept) => ({ ...state, byte, snapshots: [...older, ...kept] }));
  };

const distinct = (states: GuestModel[]): GuestModel[] => [
  ...new Map(states.map((state) => [JSON.stringify(state), state])).values(),
];

/** Computes the states that a guest may be in after an action, from those before. */
export const after = (
  states: readonly GuestModel[],
  succeeded: boolean,
  effect: Effect,
  failure: Failure = () => [],
): GuestModel[] =>
  distinct(
    succeeded ? states.map(effect) : states.flatMap((state) => [state, effect(state), ...failure(state)]),
  );

/** Whether a state that was seen is one that the model allows. */
export const matches = (model: GuestModel, seen: GuestModel): boolean => {
  if (model.is !== 'there' || seen.is !== 'there') return model.is === seen.is;
  const same = (expected: number, found: number): boolean => expected === UNKNOWN || expected === found;
  return (
    same(model.byte, seen.byte) &&
    model.snapshots.length === seen.snapshots.length &&
    model.snapshots.every(
      ({ name, byte }, index) =>
        seen.snapshots[index]?.name === name && same(byte, seen.snapshots[index].byte),
    )
  );
};
