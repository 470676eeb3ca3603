import { createGuard } from '../../lib/http/guard.js';
import { Reachable } from '../../lib/http/reachable.js';

/** What a config lists so that the tests' own servers may be reached. */
export const LOOPBACK = ['127.0.0.1'];

/** Keeps requests to the Internet and the tests' own servers. */
export const loopbackGuard = createGuard({ reachable: new Reachable(LOOPBACK) });
