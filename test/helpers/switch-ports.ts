import { join } from 'node:path';
import { Problems } from '../../lib/rpc/server/problems.js';
import type { Networks } from '../../lib/subagents/shared/network/networks.js';
import { SwitchPorts } from '../../lib/subagents/shared/network/switch-ports.js';
import { silentLog } from './sub-agents.js';

/** Makes a cleaner whose list of pending ports is in `dir`. */
export const switchPorts = (
  networks: Networks,
  dir: string,
  problems = new Problems(),
  onChange: (guestId: string) => void = () => {},
): SwitchPorts =>
  new SwitchPorts({
    ...{ networks, problems, onChange, log: silentLog },
    file: join(dir, 'switch-ports.json'),
  });
