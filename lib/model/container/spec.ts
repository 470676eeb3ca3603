import type { ContainerConfinement } from './confinement.js';
import type { ContainerDevices } from './devices.js';
import type { ContainerHealth } from './health.js';
import type { ContainerLimits } from './limits.js';
import type { ContainerFiles } from './mounts.js';
import type { ContainerNetwork } from './network.js';
import type { ContainerProgram } from './program.js';

/** What only a container has; each group of its keys has a file of its own, beside its schema. */
export interface ContainerSpec
  extends ContainerProgram,
    ContainerConfinement,
    ContainerLimits,
    ContainerDevices,
    ContainerHealth,
    ContainerFiles,
    ContainerNetwork {}
