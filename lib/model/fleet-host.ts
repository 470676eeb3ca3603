import Joi from 'joi';

/** What a host of a fleet says of itself. Sizes in MB (2^20 bytes). */
export interface HostRecord {
  id: string;
  /** The name that people call it by. */
  name: string;
  /** The URL at which other agents and clients reach its agent. */
  address?: string;
  labels: Record<string, string>;
  capacity: { cpus: number; memory: number; disk?: number };
  /** What its guests have together, whether they run or not. */
  used: { guests: number; cpus: number; memory: number; disk: number };
  version: string;
  kernel: string;
  /** The processor architecture, as Node.js names it: `x64`. */
  arch: string;
}

/** A host as another agent sees it through etcd. */
export interface FleetHost extends HostRecord {
  /** Whether its agent holds its lease. A host whose agent does not may still run its guests. */
  state: 'present' | 'absent';
  /** When its agent joined, or when this agent saw it go; absent when that was before this agent looked. RFC 3339. */
  since?: string;
}

/** What is known of a host that does not answer, or does. */
export interface HostEvidence {
  /** The lease that its agent renews in etcd, in seconds; absent when there is none. */
  lease?: { ttl: number; left: number };
  /** Whether its agent answered this one directly, just now; absent for a host without an address. */
  ping?: { ok: boolean; ms: number; error?: string };
}

export interface FleetHostDetails extends FleetHost {
  evidence: HostEvidence;
}

const count = Joi.number().integer().min(0).required();

const hostKeys = {
  id: Joi.string().guid().required().description('The id that the agent chose at its first start in a fleet'),
  name: Joi.string().required().description('The name that people call it by'),
  address: Joi.string().uri().description('The URL at which other agents reach its agent'),
  labels: Joi.object().pattern(Joi.string(), Joi.string()).required(),
  capacity: Joi.object({
    cpus: count.description('Logical processors'),
    memory: count.description('MB'),
    disk: Joi.number().min(0).description('MB of the storage of images and disks'),
  }).required(),
  used: Joi.object({
    guests: count,
    cpus: count.description('vCPUs of all guests together, whether they run or not'),
    memory: count.description('MB of all guests together'),
    disk: Joi.number()
      .min(0)
      .required()
      .description('MB of all disks together, by the sizes that guests see'),
  }).required(),
  version: Joi.string().required().description('The version of its agent'),
  kernel: Joi.string().required(),
  arch: Joi.string().required().description('`x64`, `arm64`, …'),
  state: Joi.string()
    .valid('present', 'absent')
    .required()
    .description('Whether its agent holds its lease in etcd. An absent host may still run its guests'),
  since: Joi.string()
    .isoDate()
    .description(
      'When its agent joined, or when this agent saw it go; absent when that was before this agent looked',
    ),
};

export const fleetHostSchema = Joi.object<FleetHost>(hostKeys).label('host');

export const fleetHostDetailsSchema = Joi.object<FleetHostDetails>({
  ...hostKeys,
  evidence: Joi.object({
    lease: Joi.object({ ttl: count, left: count }).description('The lease of its agent in etcd, in seconds'),
    ping: Joi.object({ ok: Joi.boolean().required(), ms: count, error: Joi.string() }).description(
      'Whether its agent answered this one directly, just now',
    ),
  }).required(),
}).label('host with evidence');
