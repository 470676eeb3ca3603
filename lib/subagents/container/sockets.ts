import { join } from 'node:path';

const UNIX = 'unix://';

const toPath = (socket: string): string => {
  const path = socket.startsWith(UNIX) ? socket.slice(UNIX.length) : socket;
  if (!path.startsWith('/'))
    throw new Error(
      `container engine ${socket} is not a unix socket: give a path such as unix:///run/podman/podman.sock`,
    );
  return path;
};

/**
 * Returns the sockets to try, in order: the given ones, else `DOCKER_HOST`, else the defaults of Docker and Podman.
 * @throws when one of them is not a unix socket
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
