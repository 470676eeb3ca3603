import type { HostConfig } from 'dockerode';
import { isCdi } from '../../model/container/devices.js';
import type { ContainerSpec } from '../../model/container/spec.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import type { EngineProgram } from './engine.js';
import type { Policy } from './policy.js';

/** The version of the Docker Engine API, that of Docker 25, from which a Docker reads CDI files. */
const DOCKER_CDI = 44;

/** Whether a device is one of those that the host allows: `nvidia.com/gpu=*` allows all of a kind. */
const isAllowed = (device: string, allowed: readonly string[]): boolean =>
  allowed.some((each) => each === device || (each.endsWith('=*') && device.startsWith(each.slice(0, -1))));

const cdiOf = (names: readonly string[], { kind, api: [, minor] }: EngineProgram): HostConfig => {
  if (kind === 'podman' || minor < DOCKER_CDI)
    throw new Refusal(
      'invalid',
      `container.devices has ${names[0]}, and this engine takes no CDI devices from its API: use Docker 25 or later, or paths below /dev`,
    );
  return { DeviceRequests: [{ Driver: 'cdi', DeviceIDs: [...names], Capabilities: [] }] } as HostConfig;
};

/**
 * Returns the devices of a container: `HostConfig` of the Docker Engine API.
 * @throws {Refusal} `invalid` for a device that the host does not allow
 */
export const deviceOptions = (
  { devices = [] }: ContainerSpec,
  { allowedDevices }: Policy,
  program: EngineProgram,
): HostConfig => {
  const refused = devices.find((device) => !isAllowed(device, allowedDevices));
  if (refused !== undefined)
    throw new Refusal(
      'invalid',
      `container.devices asks for ${refused}, which guests of this host may not have: leave it out, or start ` +
        `mistify-container with --allow-device ${refused}`,
    );
  const paths = devices.filter((device) => !isCdi(device));
  const names = devices.filter(isCdi);
  return {
    ...(paths.length === 0
      ? {}
      : {
          Devices: paths.map((path) => ({
            PathOnHost: path,
            PathInContainer: path,
            CgroupPermissions: 'rwm',
          })),
        }),
    ...(names.length === 0 ? {} : cdiOf(names, program)),
  };
};
