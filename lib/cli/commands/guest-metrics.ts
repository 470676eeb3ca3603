import { Argument, type Command } from 'commander';
import type { CpuMetrics, DiskMetrics, MistifyClient, NicMetrics } from '../../client/index.js';
import { formatBytes } from '../../portable/format.js';
import type { Column } from '../columns.js';
import { guestId } from '../names.js';
import type { Output } from '../output.js';
import { withSession } from '../session.js';

const TYPES = ['cpu', 'disk', 'nic'] as const;
type Type = (typeof TYPES)[number];

const count = <Item>(title: string, value: (item: Item) => number): Column<Item> => ({
  title,
  value: (item) => String(value(item)),
  right: true,
});

const bytes = <Item>(title: string, value: (item: Item) => number): Column<Item> => ({
  title,
  value: (item) => formatBytes(value(item)),
  right: true,
});

const CPU: readonly Column<CpuMetrics & { vcpu: number }>[] = [
  { title: 'VCPU', value: ({ vcpu }) => String(vcpu) },
  { title: 'CPU TIME', value: ({ cpu_time }) => `${cpu_time.toFixed(2)} s`, right: true },
  { title: 'IN GUEST', value: ({ vcpu_time }) => `${vcpu_time.toFixed(2)} s`, right: true },
];

const DISK: readonly Column<DiskMetrics>[] = [
  { title: 'DISK', value: ({ disk }) => disk },
  bytes('READ', ({ read_bytes }) => read_bytes),
  count('READS', ({ read_ops }) => read_ops),
  bytes('WRITTEN', ({ write_bytes }) => write_bytes),
  count('WRITES', ({ write_ops }) => write_ops),
  count('FLUSHES', ({ flush_ops }) => flush_ops),
];

const NIC: readonly Column<NicMetrics>[] = [
  { title: 'NIC', value: ({ name }) => name },
  bytes('RECEIVED', ({ rx_bytes }) => rx_bytes),
  count('PACKETS', ({ rx_packets }) => rx_packets),
  count('DROPPED', ({ rx_drops }) => rx_drops),
  bytes('SENT', ({ tx_bytes }) => tx_bytes),
  count('PACKETS', ({ tx_packets }) => tx_packets),
  count('DROPPED', ({ tx_drops }) => tx_drops),
];

const requestsFor = (client: MistifyClient, id: string) => ({
  cpu: () => client.guests.cpuMetrics(id),
  disk: () => client.guests.diskMetrics(id),
  nic: () => client.guests.nicMetrics(id),
});

const tables = (out: Output, client: MistifyClient, id: string): Record<Type, () => Promise<void>> => {
  const requests = requestsFor(client, id);
  return {
    cpu: async () =>
      out.table(
        (await requests.cpu()).map((metrics, vcpu) => ({ ...metrics, vcpu })),
        CPU,
      ),
    disk: async () => out.table(Object.values(await requests.disk()), DISK),
    nic: async () => out.table(Object.values(await requests.nic()), NIC),
  };
};

export const addMetrics = (guest: Command): void => {
  guest
    .command('metrics <guest>')
    .description('show counters of a guest since it was started')
    .addArgument(new Argument('[type]', 'cpu, disk or nic; all by default').choices(TYPES))
    .addHelpText('after', '\nFor current rates use: mistify top')
    .action(
      withSession(async ({ client, out }, text: string, type: Type | undefined) => {
        const id = await guestId(client, text);
        const types = type === undefined ? TYPES : [type];
        if (out.json) {
          const requests = requestsFor(client, id);
          const results = await Promise.all(types.map(async (name) => [name, await requests[name]()]));
          return out.value(type === undefined ? Object.fromEntries(results) : results[0]?.[1]);
        }
        const print = tables(out, client, id);
        for (const [index, name] of types.entries()) {
          if (index > 0) out.line('');
          await print[name]();
        }
      }),
    );
};
