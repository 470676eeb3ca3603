/** A system that the tests can run on. */
export interface System {
  /** The code name, which is its suite in Debian's archive. */
  name: string;
  /** A script of debootstrap that fits, where an older debootstrap has none of that name. */
  script: string;
  /** The system with whose QEMU upgrades are tested: one with another version. */
  otherQemu: string;
}

export const SYSTEMS: readonly System[] = [
  { name: 'bookworm', script: 'sid', otherQemu: 'trixie' },
  { name: 'trixie', script: 'sid', otherQemu: 'bookworm' },
  { name: 'forky', script: 'sid', otherQemu: 'bookworm' },
];

/** The least Node.js that the agent runs on. Systems with an older one get the host's. */
export const LEAST_NODE = [20, 11] as const;

/** Something that keeps the system from being prepared: no mirror, a failed download. It says nothing about the agent. */
export class NotPrepared extends Error {}
