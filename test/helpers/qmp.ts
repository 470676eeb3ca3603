import { errorMessage } from '../../lib/errors.js';
import { QmpClient } from '../../lib/qmp/client.js';
import { until } from './wait.js';

const START_MS = 60_000;

/** Connects to a QEMU that may still be coming up. */
export const connectQmp = async (path: string): Promise<QmpClient> => {
  let client: QmpClient | undefined;
  const connect = async (): Promise<boolean> => {
    client = await QmpClient.connect(path, { timeoutMs: START_MS }).catch(() => undefined);
    return client !== undefined;
  };
  await until(`QEMU replies at ${path}`, connect, START_MS);
  if (!client) throw new Error(`no QEMU at ${path}`);
  return client;
};

interface QmpJob {
  id: string;
  status: string;
  error?: string;
}

/**
 * Runs a QMP job, such as `snapshot-save`, to its end.
 * @throws with the job's error
 */
export const runJob = async (
  qmp: QmpClient,
  command: string,
  args: Record<string, unknown>,
): Promise<void> => {
  const id = 'test-job';
  await qmp.execute(command, { ...args, 'job-id': id });
  const find = async (): Promise<QmpJob | undefined> =>
    (await qmp.execute<QmpJob[]>('query-jobs')).find((job) => job.id === id);
  await until(`${command} ends`, async () => (await find())?.status === 'concluded', START_MS);
  const error = (await find())?.error;
  await qmp.execute('job-dismiss', { id });
  if (error !== undefined) throw new Error(`${command}: ${errorMessage(error)}`);
};

/** A part of QEMU's `PciDeviceInfo`. */
interface PciDevice {
  slot: number;
  function: number;
  qdev_id: string;
  id: { vendor: number; device: number };
}

/** Lists a running machine's PCI devices, each with its place on its bus. */
export const pciDevices = async (path: string): Promise<string[]> => {
  const qmp = await connectQmp(path);
  try {
    const buses = await qmp.execute<{ bus: number; devices: PciDevice[] }[]>('query-pci');
    return buses.flatMap(({ bus, devices }) =>
      devices.map(({ slot, function: fn, qdev_id: name, id }) =>
        [bus, slot, fn, name, id.vendor, id.device].join(' '),
      ),
    );
  } finally {
    qmp.close();
  }
};
