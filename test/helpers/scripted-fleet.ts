import type { Context } from '../../lib/agent/context.js';
import type { FleetHost } from '../../lib/model/fleet-host.js';

/** A host of a fleet without etcd. */
export const SCRIPTED_HOST: FleetHost = {
  id: '6f0e2f0c-9d5c-4f5e-8a52-0c6d5b0f7c11',
  name: 'host-a',
  labels: { rack: '4' },
  capacity: { cpus: 8, memory: 16_384 },
  used: { guests: 1, cpus: 2, memory: 1024, disk: 8 },
  version: '0.1.0',
  kernel: '6.1.0',
  arch: 'x64',
  state: 'present',
  since: '2026-01-01T00:00:00.000Z',
};

/** A fleet of one host. */
export const scriptedFleet: NonNullable<Context['fleet']> = {
  hosts: () => [SCRIPTED_HOST],
  host: async () => ({ ...SCRIPTED_HOST, evidence: { lease: { ttl: 15, left: 12 } } }),
  forget: async () => SCRIPTED_HOST,
};
