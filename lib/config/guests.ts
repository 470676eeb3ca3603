import Joi from 'joi';
import type { AutostartPolicy } from '../model/coming-back.js';
import { autostartPolicySchema } from '../model/coming-back-schemas.js';
import { cpuModelSchema } from '../model/machine.js';

/** What new guests get when their spec does not say, and what lists say about guests. */
export interface GuestsConfig {
  /** The sub-agent chooses one when absent. */
  cpu_model?: string;
  /** Whether they start after a boot of the host; never when absent. */
  autostart?: AutostartPolicy;
  /** Whether lists and metrics have the guests' addresses; true when absent. */
  list_addresses?: boolean;
}

export const guestsSchema = Joi.object<GuestsConfig>({
  cpu_model: cpuModelSchema.description(
    'The model of the vCPUs of new virtual machines, as `qemu-system-x86_64 -cpu help` names it; by default all that the host can give',
  ),
  autostart: autostartPolicySchema.description(
    'Whether new guests start after a boot of the host: `never` (the default), `always`, or `last`: as they were before the host went down',
  ),
  list_addresses: Joi.boolean().description(
    'Whether lists of guests and `/metrics` have the addresses of the guests, for which the agent then asks in the background; true by default',
  ),
});
