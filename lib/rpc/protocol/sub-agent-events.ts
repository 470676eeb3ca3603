import Joi from 'joi';
import type { Guest } from '../../model/guest.js';
import { guestDetailsSchemas } from '../../model/guest-details.js';
import { nicSchema } from '../../model/guest-schemas.js';
import { type HostProgram, hostProgramSchema } from '../../model/host-program.js';

/** The path of a sub-agent's event stream: JSON lines of `SubAgentEvent`. */
export const EVENTS_PATH = '/_mistify_events_';

/** What a sub-agent tells about a guest besides its state. */
export type GuestDetails = Pick<
  Guest,
  | 'nics'
  | 'memory'
  | 'cpu'
  | 'maxMemory'
  | 'maxCpu'
  | 'pending'
  | 'cpuModel'
  | 'machine'
  | 'devices'
  | 'warnings'
  | 'warm'
  | 'program'
>;

/** The state of a guest at one moment. Of two states, the one with the higher revision is the later one. */
export interface GuestState extends GuestDetails {
  id: string;
  state: string;
  /** Why the guest is in that state, in a word or two. */
  reason?: string;
  /** The port of the VNC server; 0 without one. */
  vnc: number;
  revision: number;
}

/** The progress of a running job. */
export interface Progress {
  /** The job's id. */
  job: string;
  /** In words, such as `12 of 48 MB, 25%`. */
  message: string;
  /** 0 to 100; absent when the sub-agent cannot tell. */
  percent?: number;
}

/**
 * A line of the event stream. The first line has all `guests`, an empty list from a sub-agent that runs none. Later
 * lines have a `guest` that changed, the id of a guest that was `removed`, the `progress` of a job, all `problems`
 * that the sub-agent has now, in sentences, or all `programs` that it works with. An empty object is a heartbeat.
 */
export type SubAgentEvent =
  | { guests: GuestState[] }
  | { guest: GuestState }
  | { removed: string }
  | { progress: Progress }
  | { problems: string[] }
  | { programs: HostProgram[] }
  | Record<string, never>;

const MAX_PROGRESS_LENGTH = 4096;

const MAX_PROBLEM_LENGTH = 4096;

const MAX_PROBLEMS = 100;

const MAX_PROGRAMS = 20;

const eventId = (): Joi.StringSchema => Joi.string().max(255);

const guestStateSchema = Joi.object<GuestState>({
  id: eventId().required(),
  state: Joi.string().max(64).required(),
  reason: Joi.string().max(255),
  vnc: Joi.number().integer().min(0).max(65535).default(0),
  revision: Joi.number().integer().min(0).required(),
  nics: Joi.array().items(nicSchema),
  ...guestDetailsSchemas,
}).unknown();

/** Validates a line of the event stream. A revision must be a safe integer. */
export const subAgentEventSchema = Joi.object<SubAgentEvent>({
  guests: Joi.array().items(guestStateSchema),
  guest: guestStateSchema,
  removed: eventId(),
  problems: Joi.array().items(Joi.string().max(MAX_PROBLEM_LENGTH)).max(MAX_PROBLEMS),
  programs: Joi.array().items(hostProgramSchema.unknown()).max(MAX_PROGRAMS),
  progress: Joi.object<Progress>({
    job: eventId().required(),
    message: Joi.string().max(MAX_PROGRESS_LENGTH).allow('').required(),
    percent: Joi.number().min(0).max(100),
  }).unknown(),
})
  .unknown()
  .required()
  .prefs({ convert: false })
  .label('event');
