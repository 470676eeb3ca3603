// The browser console imports this file too: keep it free of Node and of other imports.

/** A guest's CD drive. */
export interface Cdrom {
  /** `cd0` to `cd3`. */
  device: string;
  /** The ISO image in it; `""` for an empty drive. */
  image: string;
}

/** The file or device of an ISO image, as the storage sub-agent found it. */
export interface Medium {
  image: string;
  source: string;
}

/** A change of a CD drive. */
export interface CdromChange {
  device: string;
  /** The ISO image to insert; `""` ejects. */
  image: string;
  /** Whether to open a tray that the guest has locked. */
  force?: boolean | undefined;
}

export const cdromName = (index: number): string => `cd${index}`;

/** A drive on the wire. */
export type LooseCdrom = { [Key in keyof Cdrom]?: Cdrom[Key] | null };

export const normalizeCdroms = (drives: readonly LooseCdrom[]): Cdrom[] =>
  drives.map(({ image }, index) => ({ device: cdromName(index), image: image ?? '' }));

/** Returns a virtual machine's CD drives. One that says nothing has an empty one, and one of layout 1 has none. */
export const cdromsOf = ({
  cdroms,
  machine,
}: {
  cdroms?: readonly Cdrom[] | undefined;
  machine?: { layout?: number | undefined } | undefined;
}): readonly Cdrom[] => {
  if (cdroms) return cdroms;
  return machine?.layout === 1 ? [] : normalizeCdroms([{}]);
};
