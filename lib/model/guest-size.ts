/** The memory of a guest whose spec has none. */
export const DEFAULT_MEMORY_MB = 512;
/** The vCPUs of a virtual machine whose spec has none. */
export const DEFAULT_VCPUS = 1;

/** What a guest has, and how far that can grow while it runs. */
export interface GuestSize {
  /** MB. */
  memory: number;
  /** The number of vCPUs. */
  cpu: number;
  /** MB; absent when its memory cannot grow while it runs. */
  maxMemory?: number;
  /** Absent when its vCPUs cannot grow while it runs. */
  maxCpu?: number;
}

/** A change of a guest's size. `null` returns a key to its default; an absent key stays as it is. */
export type SizeChange = { [Key in keyof GuestSize]?: GuestSize[Key] | null | undefined };

export const SIZE_KEYS = ['memory', 'cpu', 'maxMemory', 'maxCpu'] as const;

/** Returns the size of a guest, with defaults for what its spec lacks. */
export const sizeOf = ({ memory, cpu, maxMemory, maxCpu }: SizeChange): GuestSize => ({
  memory: memory || DEFAULT_MEMORY_MB,
  cpu: cpu || DEFAULT_VCPUS,
  ...(maxMemory ? { maxMemory } : {}),
  ...(maxCpu ? { maxCpu } : {}),
});

/** Returns a size after a change. */
export const resize = (size: GuestSize, change: SizeChange): GuestSize =>
  sizeOf({
    ...size,
    ...Object.fromEntries(SIZE_KEYS.flatMap((key) => (key in change ? [[key, change[key]]] : []))),
  });

/** Returns the change from one size to another; `undefined` when they are the same. */
export const differenceOf = (from: GuestSize, to: GuestSize): SizeChange | undefined => {
  const changed = SIZE_KEYS.filter((key) => from[key] !== to[key]);
  if (changed.length === 0) return undefined;
  return Object.fromEntries(changed.map((key) => [key, to[key] ?? null]));
};

/** Says why no virtual machine can have a size; `undefined` when one can. */
export const sizeProblem = ({ memory, cpu, maxMemory, maxCpu }: GuestSize): string | undefined => {
  if (!Number.isInteger(cpu)) return `"cpu" must be a whole number for a virtual machine, got ${cpu}`;
  if (maxMemory !== undefined && maxMemory < memory)
    return `"maxMemory" must be at least the memory of ${memory} MB, got ${maxMemory}: raise maxMemory, or set it to null so that the memory cannot grow while the guest runs`;
  if (maxCpu !== undefined && maxCpu < cpu)
    return `"maxCpu" must be at least the ${cpu} vCPUs of the guest, got ${maxCpu}: raise maxCpu, or set it to null so that they cannot grow while the guest runs`;
  return undefined;
};
