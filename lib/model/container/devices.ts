/** The devices of the host that a container has. */
export interface ContainerDevices {
  /** A path such as `/dev/fuse`, or the name of a CDI device such as `nvidia.com/gpu=0`. */
  devices?: string[];
}

/** Whether a device is one that a CDI file of the host describes: https://github.com/cncf-tags/container-device-interface */
export const isCdi = (device: string): boolean => !device.startsWith('/');
