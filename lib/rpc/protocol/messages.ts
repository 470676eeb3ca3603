import Joi from 'joi';
import type { Guest } from '../../model/guest.js';
import { guestSchema, type LooseGuest } from '../../model/guest.js';
import { type Image, imageSchema, SHA256 } from '../../model/image.js';
import type { CpuMetrics, DiskMetrics, MetricsType, NicMetrics } from '../../model/metrics.js';
import { type Snapshot, snapshotSchema } from '../../model/snapshot.js';

/** Where a service answers RPC unless its config says otherwise. */
export const RPC_PATH = '/_mistify_RPC_';
/** Where our sub-agents say how they are. */
export const HEALTH_PATH = '/_mistify_health_';
/** Where our sub-agents tell what happens, as JSON lines of `SubAgentEvent`. */
export const EVENTS_PATH = '/_mistify_events_';

/** Headers of a stage's call: which job it is for, which stage of it, and the how manyeth attempt. */
export const CALL_HEADERS = {
  job: 'x-mistify-job',
  stage: 'x-mistify-stage',
  attempt: 'x-mistify-attempt',
} as const;

/** What a stage's call of an async action is part of; by it a sub-agent can tell a repeat. */
export interface JobStage {
  /** The job's id. */
  job: string;
  /** From 0. */
  stage: number;
  /** From 1. */
  attempt: number;
}

/** Opaque to the agent: handed from the config to that stage alone. */
export type StageArgs = Record<string, string>;

export interface GuestRequest {
  guest: Guest;
  action: string;
  args?: StageArgs;
}

export interface GuestResponse {
  guest: LooseGuest & { id: string };
  /** Anything worth telling about it. */
  message?: string;
  /** Seconds after which the agent is to run the stage again. */
  retry?: number;
  /** How recent the guest's state in this answer is; see `GuestState`. */
  revision?: number;
}

export interface GuestMetricsRequest {
  guest: Guest;
  type: MetricsType;
  args?: StageArgs;
}

export interface GuestMetricsResponse {
  guest?: LooseGuest | null;
  type: MetricsType;
  disk?: Record<string, DiskMetrics>;
  nic?: Record<string, NicMetrics>;
  cpu?: CpuMetrics[];
}

/** All that a sub-agent counts of one guest. */
export interface GuestCounters {
  /** The guest's id. */
  guest: string;
  cpu?: CpuMetrics[];
  disk?: Record<string, DiskMetrics>;
  nic?: Record<string, NicMetrics>;
  /** What it takes of the host's memory now, in bytes. */
  memory?: number;
}

/** The counters of every guest that has any, in one answer. */
export interface AllMetricsResponse {
  guests: GuestCounters[];
}

export interface ImageRequest {
  id: string;
  type: string;
  dest: string;
  source: string;
  /** What the fetched file is to have, in hex; the key is sent only when the caller gave one. */
  sha256?: string;
}

export interface ImageResponse {
  images: Image[];
}

export interface SnapshotRequest {
  id: string;
  dest: string;
  recursive: boolean;
  destroyMoreRecent: boolean;
}

export interface SnapshotResponse {
  snapshots: Snapshot[];
}

/** The state of a guest at one moment; of two, the one with the higher revision is the later one. */
export interface GuestState {
  id: string;
  state: string;
  /** 0 when there is no VNC server. */
  vnc: number;
  revision: number;
}

/** How far a running job has come. */
export interface Progress {
  /** The job's id. */
  job: string;
  /** In words, such as `12 of 48 MB, 25%`. */
  message: string;
  /** 0 to 100; absent when the sub-agent cannot tell. */
  percent?: number;
}

/**
 * A line of the event stream. The first one has all `guests`, which is none for a sub-agent that runs none; then
 * come a `guest` that changed, the id of one that was `removed`, the `progress` of a job. An empty object only says
 * that the sub-agent is alive.
 */
export type SubAgentEvent =
  | { guests: GuestState[] }
  | { guest: GuestState }
  | { removed: string }
  | { progress: Progress }
  | Record<string, never>;

export interface Health {
  name: string;
  status: 'ok' | 'degraded';
  /** What is wrong, when something is. */
  message?: string;
  methods: string[];
}

const text = (): Joi.StringSchema => Joi.string().allow('', null).empty([null]).default('');
const flag = (): Joi.BooleanSchema => Joi.boolean().allow(null).empty(null).default(false);
const argsSchema = Joi.object().pattern(Joi.string(), Joi.string().allow(''));
const requiredGuest = guestSchema.fork('id', (id) => id.required().disallow('', null)).required();

export const guestRequestSchema = Joi.object<GuestRequest>({
  guest: requiredGuest,
  action: text(),
  args: argsSchema,
}).unknown();

export const guestMetricsRequestSchema = Joi.object<GuestMetricsRequest>({
  guest: requiredGuest,
  type: text(),
  args: argsSchema,
}).unknown();

export const imageRequestSchema = Joi.object<ImageRequest>({
  id: text(),
  type: text(),
  dest: text(),
  source: text(),
  sha256: Joi.string().pattern(SHA256).allow('', null),
}).unknown();

export const snapshotRequestSchema = Joi.object<SnapshotRequest>({
  id: text(),
  dest: text(),
  recursive: flag(),
  destroyMoreRecent: flag(),
}).unknown();

/** What a sub-agent must answer at least; lists may be `null`, as Go has them when they are empty. */
export const guestMetricsResponseSchema = Joi.object<GuestMetricsResponse>({
  cpu: Joi.array().items(Joi.object()).allow(null),
  disk: Joi.object().pattern(Joi.string(), Joi.object()).allow(null),
  nic: Joi.object().pattern(Joi.string(), Joi.object()).allow(null),
}).unknown();

export const allMetricsRequestSchema = Joi.object({}).unknown();

const count = Joi.number().min(0);

/** By device: its name under `nameKey`, and counts. */
const counters = (nameKey: 'disk' | 'name'): Joi.ObjectSchema =>
  Joi.object().pattern(
    Joi.string(),
    Joi.object({ [nameKey]: Joi.string().max(255) }).pattern(Joi.string(), count),
  );

/** Metrics of another shape would end up in the time series of whoever scrapes them. */
export const allMetricsResponseSchema = Joi.object<AllMetricsResponse>({
  guests: Joi.array()
    .items(
      Joi.object<GuestCounters>({
        guest: Joi.string().max(255).required(),
        cpu: Joi.array().items(Joi.object({ cpu_time: count.required() }).pattern(Joi.string(), count)),
        disk: counters('disk'),
        nic: counters('name'),
        memory: count,
      }).unknown(),
    )
    .allow(null)
    .required(),
})
  .unknown()
  .required()
  .prefs({ convert: false });

export const imageResponseSchema = Joi.object<ImageResponse>({
  images: Joi.array().items(imageSchema.unknown()).allow(null),
}).unknown();

export const snapshotResponseSchema = Joi.object<SnapshotResponse>({
  snapshots: Joi.array().items(snapshotSchema.unknown()).allow(null),
}).unknown();

const MAX_PROGRESS_LENGTH = 4096;
const eventId = (): Joi.StringSchema => Joi.string().max(255);

const guestStateSchema = Joi.object<GuestState>({
  id: eventId().required(),
  state: Joi.string().max(64).required(),
  vnc: Joi.number().integer().min(0).max(65535).default(0),
  revision: Joi.number().integer().min(0).required(),
}).unknown();

/** What the agent takes of a line of the event stream; unsafe integers are no revisions. */
export const subAgentEventSchema = Joi.object<SubAgentEvent>({
  guests: Joi.array().items(guestStateSchema),
  guest: guestStateSchema,
  removed: eventId(),
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
