import type { GuestMetrics } from '../model/metrics.js';

/** The counters of a guest at one time. */
export type Sample = Pick<GuestMetrics, 'time' | 'cpu' | 'disk' | 'nic'>;

/** Bytes per second; `cpu` in percent of one CPU. */
export interface Rates {
  cpu: number;
  read: number;
  written: number;
  received: number;
  sent: number;
}

const sum = <Item>(items: Iterable<Item>, value: (item: Item) => number): number =>
  [...items].reduce((total, item) => total + value(item), 0);

/** The counters of a guest, summed up. CPU is in hundredths of a second. */
export interface Totals extends Rates {
  /** Milliseconds since 1970. */
  at: number;
}

export const totalsOf = ({ time, cpu = [], disk = {}, nic = {} }: Sample): Totals => ({
  at: Date.parse(time),
  cpu: 100 * sum(cpu, ({ cpu_time }) => cpu_time),
  read: sum(Object.values(disk), ({ read_bytes }) => read_bytes),
  written: sum(Object.values(disk), ({ write_bytes }) => write_bytes),
  received: sum(Object.values(nic), ({ rx_bytes }) => rx_bytes),
  sent: sum(Object.values(nic), ({ tx_bytes }) => tx_bytes),
});

/** Returns how fast the counters grew; 0 where they started over because the guest was restarted. */
export const ratesOf = (from: Totals, to: Totals): Rates => {
  const seconds = (to.at - from.at) / 1000;
  const rate = (key: keyof Rates): number => (seconds > 0 ? Math.max(0, (to[key] - from[key]) / seconds) : 0);
  return {
    cpu: rate('cpu'),
    read: rate('read'),
    written: rate('written'),
    received: rate('received'),
    sent: rate('sent'),
  };
};

/** As `ratesOf`, between two samples. */
export const ratesBetween = (before: Sample, after: Sample): Rates =>
  ratesOf(totalsOf(before), totalsOf(after));
