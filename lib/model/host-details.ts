import Joi from 'joi';
import { type HostNetwork, hostNetworkSchema } from './host-networks.js';
import { type HostProgram, hostProgramSchema } from './host-program.js';
import { type HostStatus, hostStatusSchema } from './host-status.js';

/** What the CPUs of the host have to do. */
export interface HostCpu {
  count: number;
  model?: string;
  /** The load averages of the last minute, 5 minutes and 15 minutes: uptime(1). */
  load: number[];
}

/** The memory of the host, in MB (2^20 bytes). */
export interface HostMemory {
  size: number;
  /** What programs can still get without swapping. */
  available: number;
  /** What the guests that are on may take in all. */
  guests: number;
}

/** A disk, file system or pool that the agent needs room on, in MB (2^20 bytes). */
export interface HostSpace {
  /** What it holds, in words. */
  name: string;
  size: number;
  free: number;
}

/** A part of the host that a sub-agent looks after. */
export interface HostPart {
  /** What it looks after, in words. */
  name: string;
  /** The names of its services in the config. */
  services: string[];
  up: boolean;
  /** Why it is down, where that is known. */
  reason?: string;
}

/** Something that is wrong, and what to do about it. */
export interface HostProblem {
  /** The part of the host, in words. */
  part: string;
  /** A sentence without a full stop. */
  message: string;
}

export interface HostDetails extends HostStatus {
  name: string;
  /** RFC 3339: when the host was booted. */
  booted: string;
  cpu: HostCpu;
  memory: HostMemory;
  /** How many guests are in each state. */
  guests: Record<string, number>;
  space: HostSpace[];
  /** Absent when the config does not list networks, or they could not be listed. */
  networks?: HostNetwork[];
  /** The agent, Node.js, the kernel, and the programs that the sub-agents work with. */
  programs: HostProgram[];
  parts: HostPart[];
  problems: HostProblem[];
}

const count = (): Joi.NumberSchema => Joi.number().min(0).required();

export const hostDetailsSchema = (hostStatusSchema as Joi.ObjectSchema<HostDetails>)
  .keys({
    name: Joi.string().required().example('host-1'),
    booted: Joi.string().isoDate().required().description('When the host was booted'),
    cpu: Joi.object<HostCpu>({
      count: count().example(16),
      model: Joi.string(),
      load: Joi.array()
        .items(Joi.number())
        .required()
        .description('The load averages of 1, 5 and 15 minutes')
        .example([0.5, 0.75, 0.6]),
    })
      .required()
      .label('host cpu'),
    memory: Joi.object<HostMemory>({
      size: count().description('MB'),
      available: count().description('MB that programs can still get without swapping'),
      guests: count().description('MB that the guests that are on may take in all'),
    })
      .required()
      .label('host memory'),
    guests: Joi.object()
      .pattern(Joi.string().allow(''), Joi.number())
      .required()
      .description('How many guests are in each state')
      .example({ running: 12, shutoff: 3 }),
    space: Joi.array()
      .items(
        Joi.object<HostSpace>({
          name: Joi.string().required().description('What it holds').example('images and disks'),
          size: count().description('MB'),
          free: count().description('MB'),
        }).label('host space'),
      )
      .required(),
    networks: Joi.array().items(hostNetworkSchema),
    programs: Joi.array().items(hostProgramSchema).required(),
    parts: Joi.array()
      .items(
        Joi.object<HostPart>({
          name: Joi.string().required().description('What its sub-agent looks after'),
          services: Joi.array().items(Joi.string()).required().description('Their names in the config'),
          up: Joi.boolean().required().description('Whether its sub-agent responds'),
          reason: Joi.string().description('Why it is down, where that is known'),
        }).label('host part'),
      )
      .required(),
    problems: Joi.array()
      .items(
        Joi.object<HostProblem>({
          part: Joi.string().required(),
          message: Joi.string().required().description('What is wrong, and what to do'),
        }).label('host problem'),
      )
      .required(),
  })
  .label('host details');
