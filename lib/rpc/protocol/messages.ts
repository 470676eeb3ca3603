import Joi from 'joi';
import type { Guest } from '../../model/guest.js';
import { guestSchema, type LooseGuest } from '../../model/guest.js';
import { type Image, type ImageFetch, imageSchema, SHA256, SHA512 } from '../../model/image.js';
import { FETCH_FORMATS } from '../../model/image-formats.js';
import type { CpuMetrics, DiskMetrics, MetricsType, NicMetrics } from '../../model/metrics.js';
import { type Snapshot, snapshotSchema } from '../../model/snapshot.js';
import type { StorageSpace } from '../../model/storage-space.js';

/** The path of a service's RPC, unless its config names another. */
export const RPC_PATH = '/_mistify_RPC_';
/** The path of a sub-agent's `Health`. */
export const HEALTH_PATH = '/_mistify_health_';
/** The path of a sub-agent's event stream: JSON lines of `SubAgentEvent`. */
export const EVENTS_PATH = '/_mistify_events_';

/** The path to which the agent posts `{"job": ID}` when it cancels a job whose call is a download. */
export const CANCEL_PATH = '/_mistify_cancel_';

/** Headers of an async action's call: its job, stage and attempt. */
export const CALL_HEADERS = {
  job: 'x-mistify-job',
  stage: 'x-mistify-stage',
  attempt: 'x-mistify-attempt',
} as const;

/** The stage that an async action's call belongs to. A sub-agent recognises a repeated call by it. */
export interface JobStage {
  /** The job's id. */
  job: string;
  /** Counts from 0. */
  stage: number;
  /** Counts from 1. */
  attempt: number;
}

/** Strings from the config for one stage. The agent does not interpret them. */
export type StageArgs = Record<string, string>;

export interface GuestRequest {
  guest: Guest;
  action: string;
  args?: StageArgs;
}

export interface GuestResponse {
  guest: LooseGuest & { id: string };
  /** Anything worth knowing about the guest. */
  message?: string;
  /** Seconds after which the agent runs the stage again. */
  retry?: number;
  /** The revision of the guest's state in this response: see `GuestState`. */
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

/** A sub-agent's counters of one guest. */
export interface GuestCounters {
  /** The guest's id. */
  guest: string;
  cpu?: CpuMetrics[];
  disk?: Record<string, DiskMetrics>;
  nic?: Record<string, NicMetrics>;
  /** The host memory that the guest uses now, in bytes. */
  memory?: number;
}

/** The counters of every guest that has any. */
export interface AllMetricsResponse {
  guests: GuestCounters[];
}

/** How the caller wants an image fetched. Each key is sent only when the caller gave it. */
export type FetchOptions = Pick<ImageFetch, 'sha256' | 'sha512' | 'sums' | 'format' | 'refresh'>;

export interface ImageRequest extends FetchOptions {
  id: string;
  type: string;
  dest: string;
  source: string;
}

export interface ImageResponse {
  images: Image[];
  /** Anything worth knowing about it. */
  message?: string;
}

export interface SnapshotRequest {
  id: string;
  dest: string;
  recursive: boolean;
  destroyMoreRecent: boolean;
}

export interface SnapshotResponse {
  snapshots: Snapshot[];
  /** Anything worth knowing about it. */
  message?: string;
}

export interface StorageSpaceRequest {
  /** Whether to list the leftovers too. */
  leftovers: boolean;
}

/** The space, without leftovers when the request asks for none. */
export type StorageSpaceResponse = Omit<StorageSpace, 'leftovers'> & Partial<StorageSpace>;

/** What the disks of a guest take, in MB. */
export interface DiskUseResponse {
  disks: { volume: string; used: number }[];
}

/** The state of a guest at one moment. Of two states, the one with the higher revision is the later one. */
export interface GuestState {
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
 * lines have a `guest` that changed, the id of a guest that was `removed`, the `progress` of a job, or all `problems`
 * that the sub-agent has now, in sentences. An empty object is a heartbeat.
 */
export type SubAgentEvent =
  | { guests: GuestState[] }
  | { guest: GuestState }
  | { removed: string }
  | { progress: Progress }
  | { problems: string[] }
  | Record<string, never>;

export interface Health {
  name: string;
  status: 'ok' | 'degraded';
  /** The problem of a degraded sub-agent. */
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
  sha512: Joi.string().pattern(SHA512).allow('', null),
  sums: Joi.string().allow('', null),
  format: Joi.string()
    .valid(...FETCH_FORMATS)
    .allow('', null),
  refresh: Joi.boolean().allow(null),
}).unknown();

export const snapshotRequestSchema = Joi.object<SnapshotRequest>({
  id: text(),
  dest: text(),
  recursive: flag(),
  destroyMoreRecent: flag(),
}).unknown();

/** The least that a sub-agent must send. Lists may be `null`, which is how Go encodes empty ones. */
export const guestMetricsResponseSchema = Joi.object<GuestMetricsResponse>({
  cpu: Joi.array().items(Joi.object()).allow(null),
  disk: Joi.object().pattern(Joi.string(), Joi.object()).allow(null),
  nic: Joi.object().pattern(Joi.string(), Joi.object()).allow(null),
}).unknown();

export const allMetricsRequestSchema = Joi.object({}).unknown();

const count = Joi.number().min(0);

export const storageSpaceRequestSchema = Joi.object<StorageSpaceRequest>({
  leftovers: Joi.boolean().default(false),
}).unknown();

/** Strict, because free space of another shape would end up in Prometheus' time series. */
export const storageSpaceResponseSchema = Joi.object<StorageSpaceResponse>({
  size: count.required(),
  free: count.required(),
  used: count.required(),
  leftovers: Joi.array().items(Joi.string()),
})
  .unknown()
  .required();

export const diskUseResponseSchema = Joi.object<DiskUseResponse>({
  disks: Joi.array()
    .items(Joi.object({ volume: Joi.string().required(), used: count.required() }).unknown())
    .allow(null),
}).unknown();

/** Counters by device. Each has the device's name under `nameKey`; everything else is a count. */
const counters = (nameKey: 'disk' | 'name'): Joi.ObjectSchema =>
  Joi.object().pattern(
    Joi.string(),
    Joi.object({ [nameKey]: Joi.string().max(255) }).pattern(Joi.string(), count),
  );

/** Strict, because metrics of another shape would end up in Prometheus' time series. */
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
const MAX_PROBLEM_LENGTH = 4096;
const MAX_PROBLEMS = 100;
const eventId = (): Joi.StringSchema => Joi.string().max(255);

const guestStateSchema = Joi.object<GuestState>({
  id: eventId().required(),
  state: Joi.string().max(64).required(),
  reason: Joi.string().max(255),
  vnc: Joi.number().integer().min(0).max(65535).default(0),
  revision: Joi.number().integer().min(0).required(),
}).unknown();

/** Validates a line of the event stream. A revision must be a safe integer. */
export const subAgentEventSchema = Joi.object<SubAgentEvent>({
  guests: Joi.array().items(guestStateSchema),
  guest: guestStateSchema,
  removed: eventId(),
  problems: Joi.array().items(Joi.string().max(MAX_PROBLEM_LENGTH)).max(MAX_PROBLEMS),
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
