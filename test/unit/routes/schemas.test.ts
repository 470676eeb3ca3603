import test from 'ava';
import type { Schema } from 'joi';
import type { ConfigFile, ServiceSettings, StageConfig } from '../../../lib/config/schema.js';
import { configFileSchema } from '../../../lib/config/schema.js';
import type { Disk, Guest, Nic } from '../../../lib/model/guest.js';
import { diskSchema, guestSchema, nicSchema } from '../../../lib/model/guest-schemas.js';
import { type Image, type ImageFetch, imageFetchSchema, imageSchema } from '../../../lib/model/image.js';
import type { Job } from '../../../lib/model/job.js';
import { jobSchema } from '../../../lib/model/job-schema.js';
import { type Snapshot, snapshotSchema } from '../../../lib/model/snapshot.js';
import { type GuestRequest, guestRequestSchema } from '../../../lib/rpc/protocol/guest-messages.js';
import { type ImageRequest, imageRequestSchema } from '../../../lib/rpc/protocol/image-messages.js';
import {
  type GuestMetricsRequest,
  guestMetricsRequestSchema,
} from '../../../lib/rpc/protocol/metrics-messages.js';
import { type SnapshotRequest, snapshotRequestSchema } from '../../../lib/rpc/protocol/snapshot-messages.js';

const FETCH_KEYS = { sha256: 1, sha512: 1, sums: 1, format: 1, refresh: 1, platform: 1 } as const;

/** Lists the keys of a type; the compiler checks that it is complete and exact. */
const keysOf = <Type extends object>(keys: Record<keyof Required<Type>, 1>): string[] =>
  Object.keys(keys).sort();

const schemaKeys = (schema: Schema): string[] => Object.keys(schema.describe().keys as object).sort();

const PINNED: Record<string, [Schema, string[]]> = {
  Guest: [
    guestSchema,
    keysOf<Guest>({
      id: 1,
      type: 1,
      image: 1,
      owner: 1,
      description: 1,
      tags: 1,
      template: 1,
      nics: 1,
      disks: 1,
      cdroms: 1,
      media: 1,
      bootOrder: 1,
      state: 1,
      reason: 1,
      memory: 1,
      cpu: 1,
      maxMemory: 1,
      maxCpu: 1,
      pending: 1,
      warm: 1,
      program: 1,
      cpuModel: 1,
      machine: 1,
      devices: 1,
      container: 1,
      warnings: 1,
      vnc: 1,
      autostart: 1,
      restart: 1,
      intent: 1,
      restarts: 1,
      metadata: 1,
      hidden: 1,
      addresses: 1,
    }),
  ],
  Nic: [
    nicSchema,
    keysOf<Nic>({
      name: 1,
      network: 1,
      model: 1,
      mac: 1,
      address: 1,
      netmask: 1,
      gateway: 1,
      device: 1,
      vlans: 1,
      link: 1,
      removing: 1,
    }),
  ],
  Disk: [
    diskSchema,
    keysOf<Disk>({ bus: 1, device: 1, size: 1, volume: 1, image: 1, source: 1, serial: 1, number: 1 }),
  ],
  Image: [
    imageSchema,
    keysOf<Image>({ id: 1, type: 1, volume: 1, snapshot: 1, size: 1, used: 1, status: 1, kind: 1, boots: 1 }),
  ],
  ImageFetch: [
    imageFetchSchema,
    keysOf<ImageFetch>({ id: 1, type: 1, source: 1, guest: 1, snapshot: 1, disk: 1, ...FETCH_KEYS }),
  ],
  Snapshot: [
    snapshotSchema,
    keysOf<Snapshot>({ id: 1, size: 1, consistency: 1, created: 1, used: 1, description: 1, memory: 1 }),
  ],
  Job: [
    jobSchema,
    keysOf<Job>({
      ID: 1,
      GuestID: 1,
      Action: 1,
      QueuedAt: 1,
      StartedAt: 1,
      UpdatedAt: 1,
      Status: 1,
      Message: 1,
      ImageID: 1,
      GuestName: 1,
      SnapshotName: 1,
      RequestedBy: 1,
      BackupID: 1,
      VolumeID: 1,
      Cause: 1,
    }),
  ],
  GuestRequest: [guestRequestSchema, keysOf<GuestRequest>({ guest: 1, action: 1, args: 1, change: 1 })],
  GuestMetricsRequest: [
    guestMetricsRequestSchema,
    keysOf<GuestMetricsRequest>({ guest: 1, type: 1, args: 1 }),
  ],
  ImageRequest: [
    imageRequestSchema,
    keysOf<ImageRequest>({ id: 1, type: 1, dest: 1, source: 1, origin: 1, upload: 1, ...FETCH_KEYS }),
  ],
  SnapshotRequest: [
    snapshotRequestSchema,
    keysOf<SnapshotRequest>({
      id: 1,
      dest: 1,
      recursive: 1,
      destroyMoreRecent: 1,
      description: 1,
      memory: 1,
      poweroff: 1,
      outcome: 1,
      format: 1,
      from: 1,
      ifRange: 1,
    }),
  ],
  ConfigFile: [
    configFileSchema,
    keysOf<ConfigFile & { $schema: string }>({
      $schema: 1,
      extends: 1,
      actions: 1,
      services: 1,
      dbpath: 1,
      private_addresses: 1,
      server: 1,
      events: 1,
      guests: 1,
      quota: 1,
      schedules: 1,
      catalogue: 1,
      fleet: 1,
    }),
  ],
  ServiceConfig: [
    configFileSchema.extract('services').$_terms.patterns[0].rule as Schema,
    keysOf<ServiceSettings & { port: number; socket: string }>({
      port: 1,
      socket: 1,
      path: 1,
      max_pending: 1,
      timeout: 1,
      command: 1,
      process: 1,
      health_timeout: 1,
      secret_file: 1,
    }),
  ],
  StageConfig: [
    configFileSchema.extract('actions').$_terms.patterns[0].rule.extract('stages').$_terms.items[0] as Schema,
    keysOf<StageConfig>({ service: 1, method: 1, check: 1, args: 1, timeout: 1, idempotent: 1, always: 1 }),
  ],
};

for (const [name, [schema, keys]] of Object.entries(PINNED))
  test(`the schema of ${name} has the keys of its type`, (t) => {
    t.deepEqual(schemaKeys(schema), keys);
  });
