import type { Suite } from './suite.js';
import { backup } from './suites/backup.js';
import { boot } from './suites/boot.js';
import { downloads } from './suites/download.js';
import { earlier } from './suites/earlier.js';
import { fleet } from './suites/fleet.js';
import { growth } from './suites/growth.js';
import { images } from './suites/images.js';
import { jobs } from './suites/jobs.js';
import { libvirt } from './suites/libvirt.js';
import { memory } from './suites/memory.js';
import { requests } from './suites/requests.js';
import { snapshots } from './suites/snapshots.js';
import { start } from './suites/start.js';
import { starts } from './suites/starts.js';

/** All suites, in the order in which they run. */
export const SUITES: readonly Suite[] = [
  requests,
  jobs,
  downloads,
  start,
  growth,
  boot,
  starts,
  fleet,
  backup,
  images,
  snapshots,
  libvirt,
  memory,
  earlier,
];
