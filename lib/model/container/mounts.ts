/** Something outside of a container's own file system that it sees at a path. */
export type ContainerMount = VolumeMount | BindMount | TmpfsMount;

interface CommonMount {
  /** An absolute path in the container. */
  target: string;
}

/** A named volume: see `/volumes`. */
export interface VolumeMount extends CommonMount {
  type: 'volume';
  /** The name of the volume, which is created when there is none. */
  source: string;
  readOnly?: boolean;
}

/** A directory or a file of the host, below a directory that the host allows. */
export interface BindMount extends CommonMount {
  type: 'bind';
  /** An absolute path on the host. */
  source: string;
  readOnly?: boolean;
}

/** An empty directory in memory. */
export interface TmpfsMount extends CommonMount {
  type: 'tmpfs';
  /** The most MB that it can hold. */
  size?: number;
  /** The permissions of the directory in octal digits, such as `1777`. */
  mode?: string;
}

/** The volume of a `VOLUME` path of the image. */
export interface ImageMount {
  target: string;
  volume: string;
}

/** The files that a container has besides those of its image. */
export interface ContainerFiles {
  mounts?: ContainerMount[];
  /** Whether it cannot write to its own file system. */
  readOnly?: boolean;
  /** What becomes of the volumes for the `VOLUME` paths of the image when the guest is deleted; `drop` by default. */
  imageVolumes?: 'drop' | 'keep';
  /** Those volumes; set by the sub-agent. */
  imageMounts?: ImageMount[];
}

/** Lists the volumes that a container's own mounts name. */
export const namedVolumes = ({ mounts = [] }: ContainerFiles): string[] => [
  ...new Set(mounts.flatMap((mount) => (mount.type === 'volume' ? [mount.source] : []))),
];
