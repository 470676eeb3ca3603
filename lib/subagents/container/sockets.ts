import { join } from 'node:path';

const UNIX = 'unix://';

const toPath = (socket: string): string => {
  const path = socket.startsWith(UNIX) ? socket.slice(UNIX.length) : socket;
  if (!path.startsWith('/'))
    throw new Error(
      `container engine ${socket}: give the path of a unix socket, such as unix:///run/podman/podman.sock`,
    );
  return path;
};

/**
 * Where to look for a container engine, in that order: what was asked for, else `DOCKER_HOST`, else where Docker
 * and Podman listen by themselves.
 * @throws when one is not on this host
 */
export const engineSockets = (
  given: readonly string[] = [],
  env: Readonly<Record<string, string | undefined>> = process.env,
): string[] => {
  if (given.length > 0) return given.map(toPath);
  if (env.DOCKER_HOST) return [toPath(env.DOCKER_HOST)];
  const own = env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'podman/podman.sock')] : [];
  return ['/var/run/docker.sock', '/run/podman/podman.sock', ...own];
};
