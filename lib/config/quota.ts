import Joi from 'joi';

/** The most that all guests of the host may have together. Unlimited where absent. */
export interface QuotaConfig {
  guests?: number;
  /** MB. */
  memory?: number;
  /** vCPUs. */
  cpu?: number;
  /** MB, by the size that guests see, whatever their disks occupy. */
  disk?: number;
  /** The same, as a multiple of the size of the storage. */
  disk_factor?: number;
  snapshots?: number;
  /** The most that the guests of each owner may have together; `*` is for every owner without a line of its own. */
  owners?: Record<string, OwnerQuota>;
}

/** The most that the guests which one client created may have together. */
export type OwnerQuota = Pick<QuotaConfig, 'guests' | 'memory' | 'cpu' | 'disk'>;

const whole = Joi.number().integer().min(0);

/** @param whose completes "of …" */
const sizes = (whose: string) => ({
  guests: whole.description(`The most guests of ${whose}`),
  memory: whole.description(`The most memory of all guests of ${whose} together, in MB`),
  cpu: whole.description(`The most vCPUs of all guests of ${whose} together`),
  disk: whole.description(
    `The most disk space of all guests of ${whose} together, in MB, by the disks' sizes`,
  ),
});

export const quotaSchema = Joi.object<QuotaConfig>({
  ...sizes('the host'),
  disk_factor: Joi.number()
    .positive()
    .max(1000)
    .description('The same, as a multiple of the size of the storage: disks grow only as they are written'),
  snapshots: whole.description('The most snapshots of all guests together'),
  owners: Joi.object()
    .pattern(Joi.string(), Joi.object<OwnerQuota>(sizes('the owner')))
    .description(
      'The most that the guests of each client may have together, by the name of the client that created them; `*` is for all others',
    ),
});
