import { join } from 'node:path';
import { packageRoot } from '../files/package-root.js';

/** The config that the agent has when it is given none. */
export const DEFAULT_CONFIG = join(packageRoot, 'config', 'agent.json');
