import type { HostConfig } from 'dockerode';
import type {
  ContainerFiles,
  ContainerMount,
  ImageMount,
  TmpfsMount,
} from '../../../model/container/mounts.js';
import type { EngineKind } from '../engine.js';
import { engineVolume } from '../volumes/names.js';

/** What programs expect to be able to write to, as Podman has it. */
const WRITABLE: readonly TmpfsMount[] = ['/tmp', '/run', '/var/tmp'].map((target) => ({
  type: 'tmpfs',
  target,
}));

/** The same on all engines: Podman would copy the files of the image there, and let programs run from there. */
const tmpfsOptions = ({ size, mode = '1777' }: TmpfsMount, kind: EngineKind): string =>
  [
    ...['rw', 'nosuid', 'nodev', 'noexec', `mode=${mode}`],
    ...(size === undefined ? [] : [`size=${size}m`]),
    ...(kind === 'podman' ? ['notmpcopyup'] : []),
  ].join(',');

type EngineMount = NonNullable<HostConfig['Mounts']>[number];

const engineMount = (
  mount: Exclude<ContainerMount, TmpfsMount>,
  binds: ReadonlyMap<string, string>,
): EngineMount => ({
  Type: mount.type,
  Source: mount.type === 'bind' ? (binds.get(mount.target) ?? mount.source) : engineVolume(mount.source),
  Target: mount.target,
  ReadOnly: mount.readOnly ?? false,
});

/**
 * Returns the mounts of a container: `HostConfig` of the Docker Engine API.
 * @param binds the paths of its bind mounts on the host, by target
 * @param imageMounts its volumes for the `VOLUME` paths of the image
 */
export const mountOptions = (
  { mounts = [], readOnly = false }: ContainerFiles,
  {
    binds,
    imageMounts,
    kind,
  }: { binds: ReadonlyMap<string, string>; imageMounts: ImageMount[]; kind: EngineKind },
): HostConfig => {
  const ofImage = imageMounts.map(
    ({ target, volume }) => ({ type: 'volume', source: volume, target }) as const,
  );
  const all: ContainerMount[] = [...mounts, ...ofImage];
  const targets = new Set(all.map(({ target }) => target));
  const writable = readOnly ? WRITABLE.filter(({ target }) => !targets.has(target)) : [];
  const tmpfs = [...all, ...writable].filter((mount) => mount.type === 'tmpfs');
  const others = all.filter((mount) => mount.type !== 'tmpfs');
  return {
    ...(others.length > 0 ? { Mounts: others.map((mount) => engineMount(mount, binds)) } : {}),
    ...(tmpfs.length > 0
      ? { Tmpfs: Object.fromEntries(tmpfs.map((mount) => [mount.target, tmpfsOptions(mount, kind)])) }
      : {}),
    ...(readOnly ? { ReadonlyRootfs: true } : {}),
  };
};
