import pLimit from 'p-limit';
import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import { HISTORY_RANGES, type History, type HistoryRange, type HistoryValues } from '../../model/history.js';
import type { GuestMetrics } from '../../model/metrics.js';
import { ratesOf, type Totals, totalsOf } from '../../portable/rates.js';
import { type CpuTime, readCpuTime, readUsedMemory } from '../../process/host-load.js';
import type { GuestStore } from '../../store/guest-store.js';
import { RingFiles } from './ring-files.js';

/** The name of the host's own ring. */
const HOST = 'host';

const MINUTE_MS = HISTORY_RANGES.hour.step * 1000;
/** How many minutes are written at a time. */
const WRITE_MINUTES = 10;
/** A measurement counts for the minutes since the one before, up to that many. */
const MAX_GAP = 3;
/** Files that are written at the same time. */
const CONCURRENT = 4;

export interface HistoryOptions {
  directory: string;
  guests: GuestStore;
  /** Reads the counters of all guests that have any. */
  measure: () => Promise<GuestMetrics[]>;
  log: Logger;
  now?: (() => number) | undefined;
}

/** The load of a host, from which its averages are computed. */
interface HostSample extends CpuTime {
  at: number;
}

/**
 * Records the load of the guests and of the host in files of a fixed size: measures it once a minute, and writes ten
 * measurements at a time.
 */
export class HistoryRecorder {
  readonly #files: RingFiles;
  readonly #options: HistoryOptions;
  readonly #now: () => number;
  readonly #limit = pLimit(CONCURRENT);
  /** The measurements that are not written yet, by guest and minute. */
  readonly #pending = new Map<string, Map<number, HistoryValues>>();
  #before = new Map<string, Totals>();
  #hostBefore: HostSample | undefined;
  /** The last minute that was measured. */
  #lastMinute: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #isBroken = false;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#files = new RingFiles(options.directory);
    this.#now = options.now ?? Date.now;
    options.guests.onChange((change, { id }) => {
      if (change === 'deleted') this.#forget(id);
    });
  }

  /** Starts to measure. */
  async open(): Promise<void> {
    const { guests } = this.#options;
    await this.#tryTo(() => this.#files.open((name) => name === HOST || guests.find(name) !== undefined));
    this.#timer = setInterval(() => {
      this.#running = this.#running.then(() => this.record());
    }, MINUTE_MS);
    this.#timer.unref();
  }

  /** Stops to measure, and writes what is not written yet. Never rejects. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
    await this.#write();
  }

  /** Measures the load once, and writes the measurements when enough of them wait. Never rejects. */
  async record(): Promise<void> {
    const samples = await this.#options.measure().catch(() => []);
    const minute = Math.floor(this.#now() / MINUTE_MS);
    const first = Math.max((this.#lastMinute ?? minute - 1) + 1, minute - MAX_GAP + 1);
    const totals = new Map(samples.map((sample) => [sample.guest, totalsOf(sample)]));
    const sum: HistoryValues = { read: 0, written: 0, received: 0, sent: 0 };
    for (const { guest, memory } of samples) {
      const [before, after] = [this.#before.get(guest), totals.get(guest)];
      if (!before || !after || after.at <= before.at) continue;
      const rates = ratesOf(before, after);
      for (const key of ['read', 'written', 'received', 'sent'] as const)
        sum[key] = (sum[key] ?? 0) + rates[key];
      this.#note(guest, first, minute, { ...rates, ...(memory === undefined ? {} : { memory }) });
    }
    this.#before = totals;
    await this.#recordHost(first, minute, sum);
    // Once the last minute of a step of the day is measured.
    const before = Math.floor(((this.#lastMinute ?? minute) + 1) / WRITE_MINUTES);
    this.#lastMinute = minute;
    if (Math.floor((minute + 1) / WRITE_MINUTES) > before) await this.#write();
  }

  /** Returns the history of a guest. */
  ofGuest(id: string, range: HistoryRange): Promise<History> {
    return this.#read(id, range);
  }

  /** Returns the history of the host; its disks and NICs are those of the guests together. */
  ofHost(range: HistoryRange): Promise<History> {
    return this.#read(HOST, range);
  }

  async #read(name: string, range: HistoryRange): Promise<History> {
    const ring = await this.#files.read(name);
    ring.add(this.#pending.get(name) ?? new Map());
    return { range, step: HISTORY_RANGES[range].step, points: ring.points(range, this.#now()) };
  }

  async #recordHost(first: number, minute: number, guests: HistoryValues): Promise<void> {
    const after = { at: this.#now(), ...readCpuTime() };
    const before = this.#hostBefore;
    this.#hostBefore = after;
    if (!before || after.at <= before.at) return;
    const cpu = (100_000 * (after.busy - before.busy)) / (after.at - before.at);
    this.#note(HOST, first, minute, { ...guests, cpu, memory: await readUsedMemory() });
  }

  #note(name: string, first: number, last: number, values: HistoryValues): void {
    const minutes = this.#pending.get(name) ?? new Map<number, HistoryValues>();
    for (let minute = first; minute <= last; minute += 1) minutes.set(minute, values);
    // A disk that cannot be written to must not fill the memory.
    for (const minute of minutes.keys())
      if (minute <= last - HISTORY_RANGES.hour.count) minutes.delete(minute);
    this.#pending.set(name, minutes);
  }

  async #write(): Promise<void> {
    const pending = [...this.#pending];
    await this.#tryTo(() =>
      Promise.all(pending.map(([name, minutes]) => this.#limit(() => this.#writeOf(name, minutes)))),
    );
  }

  async #writeOf(name: string, minutes: ReadonlyMap<number, HistoryValues>): Promise<void> {
    if (!this.#isKept(name)) return;
    await this.#files.add(name, minutes);
    this.#pending.delete(name);
    // It may have been deleted meanwhile.
    if (!this.#isKept(name)) await this.#files.remove(name);
  }

  #isKept(name: string): boolean {
    return name === HOST || this.#options.guests.find(name) !== undefined;
  }

  #forget(id: string): void {
    this.#pending.delete(id);
    this.#before.delete(id);
    void this.#tryTo(() => this.#files.remove(id));
  }

  /** Logs the first of a series of failures: what cannot be written waits, and only the graphs lack it. */
  async #tryTo(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      this.#isBroken = false;
    } catch (error) {
      if (!this.#isBroken) this.#options.log.warn(`history not written, retrying: ${errorMessage(error)}`);
      this.#isBroken = true;
    }
  }
}
