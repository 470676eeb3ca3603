import { join } from 'node:path';
import { QmpClient } from '../../lib/qmp/client.js';
import type { RealAgent } from './real-agent.js';

/** A part of QEMU's `BlockStats` (qapi/block-core.json). */
interface DeviceStats {
  /** Absent for block nodes that no device uses. */
  qdev?: string;
  stats: { wr_latency_histogram?: { bins: number[] } };
}

const NS_PER_MS = 1e6;
const STEP = 1.05;
const [FIRST_NS, LAST_NS] = [1e4, 3e10];
/** The ends of the histogram's bins, in ns: each 5% above the one before. */
const BOUNDARIES = Array.from(
  { length: Math.ceil(Math.log(LAST_NS / FIRST_NS) / Math.log(STEP)) },
  (_, index) => Math.round(FIRST_NS * STEP ** index),
);

const ask = async <Result>(agent: RealAgent, guest: string, command: string, args = {}): Promise<Result> => {
  const qmp = await QmpClient.connect(join(agent.runDir(guest), 'qmp-storage.sock'));
  try {
    return await qmp.execute<Result>(command, args);
  } finally {
    qmp.close();
  }
};

const diskOf = async (
  agent: RealAgent,
  guest: string,
  number: number,
): Promise<DeviceStats & { qdev: string }> => {
  const devices = await ask<DeviceStats[]>(agent, guest, 'query-blockstats');
  for (const { qdev, stats } of devices) if (qdev?.includes(`disk${number}`)) return { qdev, stats };
  throw new Error(`guest ${guest} has no disk ${number}`);
};

/** How long the writes of a guest's disk took, as QEMU counts them. */
export class WriteLatency {
  readonly #agent: RealAgent;
  readonly #guest: string;
  readonly #disk: number;

  constructor(agent: RealAgent, guest: string, disk: number) {
    this.#agent = agent;
    this.#guest = guest;
    this.#disk = disk;
  }

  /** Begins to count, from zero. */
  async start(): Promise<void> {
    const { qdev } = await diskOf(this.#agent, this.#guest, this.#disk);
    const args = { id: qdev, 'boundaries-write': BOUNDARIES };
    await ask(this.#agent, this.#guest, 'block-latency-histogram-set', args);
  }

  /** Returns the number of writes since the start, and in ms what a share of them did not exceed. */
  async quantile(share: number): Promise<{ count: number; ms: number }> {
    const { stats } = await diskOf(this.#agent, this.#guest, this.#disk);
    const bins = stats.wr_latency_histogram?.bins ?? [];
    const count = bins.reduce((sum, bin) => sum + bin, 0);
    let seen = 0;
    const bin = bins.findIndex((value) => {
      seen += value;
      return seen >= count * share;
    });
    return { count, ms: (BOUNDARIES[bin] ?? LAST_NS) / NS_PER_MS };
  }
}
