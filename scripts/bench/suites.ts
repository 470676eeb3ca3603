import type { Suite } from './suite.js';
import { requests } from './suites/requests.js';

/** All there are, in the order they are run in. */
export const SUITES: readonly Suite[] = [requests];
