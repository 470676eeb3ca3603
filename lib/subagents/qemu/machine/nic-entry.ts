/** What a guest's record keeps of a NIC besides its definition, once a NIC was added or removed. */
export interface NicEntry {
  /** Names its device, its tap and its place, for as long as the guest has it. */
  number: number;
  /** The job that added it. */
  job?: string;
}

/** The entries of a guest's NICs, by name; absent while the number of each is its index. */
export type NicEntries = Readonly<Record<string, NicEntry>>;
