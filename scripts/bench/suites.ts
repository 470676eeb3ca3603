import type { Suite } from './suite.js';
import { boot } from './suites/boot.js';
import { fleet } from './suites/fleet.js';
import { requests } from './suites/requests.js';

/** All there are, in the order they are run in. */
export const SUITES: readonly Suite[] = [requests, boot, fleet];
