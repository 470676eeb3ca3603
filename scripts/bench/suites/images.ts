import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import getPort from 'get-port';
import { saveBytes } from '../../../lib/cli/save-bytes.js';
import { allocatedBytes } from '../../../lib/files/allocated-bytes.js';
import { makeDataImage } from '../data-image.js';
import { builtProgram, type Running, startProgram, using } from '../processes.js';
import { type RealAgent, startRealAgent } from '../real-agent.js';
import { ratios } from '../statistics.js';
import type { Figure, Pace, Suite } from '../suite.js';
import { timed } from '../timed.js';

/** A disk that is mostly empty, and one with as much data as a cloud image. */
const SPARSE = { disk: 8192, data: 20 };
const FULL = { disk: 1000, data: 400 };
const JOB_SECONDS = 600;
const MB = 2 ** 20;

const importDir = ({ dbpath }: RealAgent): string => join(dbpath, 'storage/import');

/** Measures how long the agent takes to make an image of a source, which it then removes. */
const fetchMs = async ({ client }: RealAgent, source: string): Promise<number> => {
  const id = 'fetched';
  const format = source.endsWith('.raw') ? 'raw' : 'qcow2';
  const ms = await timed(() => client.images.fetch({ id, source, format }, { wait: JOB_SECONDS }));
  await client.images.delete(id, { wait: JOB_SECONDS });
  return ms;
};

const convert = (from: string, to: string): Promise<unknown> =>
  execa('qemu-img', ['convert', '-O', 'qcow2', from, to]);

/** Imports a sparse file, and converts it by hand. */
const imports = async (agent: RealAgent, dir: string, rounds: number): Promise<Figure[]> => {
  const source = join(importDir(agent), 'sparse.raw');
  await makeDataImage(source, SPARSE.disk, SPARSE.data);
  const [ours, tools]: [number[], number[]] = [[], []];
  await fetchMs(agent, `file://${source}`);
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await fetchMs(agent, `file://${source}`));
    tools.push(await timed(() => convert(source, join(dir, 'sparse.qcow2'))));
    await rm(join(dir, 'sparse.qcow2'));
  }
  return [
    {
      name: `import of a raw disk of ${SPARSE.disk} MB, ${SPARSE.data} MB of data`,
      unit: 'ms',
      values: ours,
    },
    { name: '… qemu-img convert by hand', unit: 'ms', values: tools },
    { name: '… over it', unit: 'times', values: ratios(ours, tools), target: { atMost: 3 } },
  ];
};

/** Fetches a file over HTTP, and by hand with curl, sha256sum and qemu-img: the agent calculates the sum, too. */
const fetchOver = async (
  agent: RealAgent,
  { url, dir, file, title }: { url: string; dir: string; file: string; title: string },
  rounds: number,
): Promise<Figure[]> => {
  const [ours, tools]: [number[], number[]] = [[], []];
  const [received, made] = [join(dir, 'received'), join(dir, 'made.qcow2')];
  const byHand = async (): Promise<void> => {
    await execa('sh', ['-c', 'curl -sSf "$0" | tee "$1" | sha256sum', `${url}/${file}`, received]);
    await convert(received, made);
  };
  await fetchMs(agent, `${url}/${file}`);
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await fetchMs(agent, `${url}/${file}`));
    tools.push(await timed(byHand));
    for (const path of [received, made]) await rm(path);
  }
  return [
    { name: title, unit: 'ms', values: ours },
    { name: '… curl, sha256sum and qemu-img by hand', unit: 'ms', values: tools },
    { name: '… speed, of theirs', unit: 'times', values: ratios(tools, ours), target: { atLeast: 0.8 } },
  ];
};

const startFileServer = async (dir: string): Promise<Running> => {
  const port = await getPort();
  return startProgram([builtProgram('scripts/bench/file-server.js'), String(port), dir], port);
};

/** A disk of a guest with a fifth of data, as clients download it. */
const DISK = { disk: 1000, data: 200 };

/** Receives a download with curl, which says how many bytes have come over the wire. */
const receivedMb = async (url: string, file: string): Promise<number> => {
  const { stdout } = await execa('curl', ['-sSf', '-o', file, '-w', '%{size_download}', url]);
  return Number(stdout) / MB;
};

const diskMb = async (file: string): Promise<number> => allocatedBytes(await stat(file)) / MB;

/** Measures what a download of a snapshot transfers, and what the command line writes. */
const downloads = async (agent: RealAgent, dir: string, rounds: number): Promise<Figure[]> => {
  const { client, url } = agent;
  const source = join(importDir(agent), 'disk.raw');
  await makeDataImage(source, DISK.disk, DISK.data);
  await client.images.fetch({ id: 'disk', source, format: 'raw' }, { wait: JOB_SECONDS });
  const spec = { disks: [{ image: 'disk' }], memory: 128, cpu: 1 };
  const { body: guest } = await client.guests.create(spec, { wait: JOB_SECONDS });
  const own = client.snapshotsOf(guest.id);
  await own.create('one', { wait: JOB_SECONDS });
  const [received, saved] = [join(dir, 'received'), join(dir, 'saved')];
  const figures: Figure[] = [];
  for (const format of ['raw', 'qcow2', 'zstd'] as const) {
    const [wire, disk, ms]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < rounds; round += 1) {
      const path = `/guests/${guest.id}/snapshots/one/download?format=${format}`;
      ms.push(await timed(async () => wire.push(await receivedMb(`${url}${path}`, received))));
      await saveBytes(await own.download('one', { format }), saved, 'download');
      disk.push(await diskMb(saved));
      for (const file of [received, saved]) await rm(file);
    }
    const atMost = Math.round(DISK.data * 1.1);
    figures.push(
      { name: `download as ${format} of ${DISK.disk} MB, ${DISK.data} MB of data`, unit: 'ms', values: ms },
      {
        ...{ name: '… on the wire', unit: 'MB', values: wire },
        ...(format === 'raw' ? {} : { target: { atMost } }),
      },
      { name: "… on the client's disk", unit: 'MB', values: disk, target: { atMost } },
    );
  }
  await client.guests.delete(guest.id, { wait: JOB_SECONDS });
  return figures;
};

const run = async ({ rounds }: Pace): Promise<Figure[]> => {
  const agent = await startRealAgent({ private_addresses: ['127.0.0.1'] });
  return using([agent], async () => {
    const dir = join(agent.dbpath, 'bench');
    await mkdir(dir);
    const server = await startFileServer(dir);
    return using([server], async () => {
      const imported = await imports(agent, dir, rounds);
      await makeDataImage(join(dir, 'full.raw'), FULL.disk, FULL.data);
      await convert(join(dir, 'full.raw'), join(dir, 'full.qcow2'));
      const { url } = server;
      const qcow2 = { url, dir, file: 'full.qcow2', title: `fetch of a qcow2 file with ${FULL.data} MB` };
      const raw = {
        url,
        dir,
        file: 'full.raw',
        title: `fetch of a raw disk of ${FULL.disk} MB, ${FULL.data} MB of data`,
      };
      return [
        ...imported,
        ...(await fetchOver(agent, qcow2, rounds)),
        ...(await fetchOver(agent, raw, rounds)),
        ...(await downloads(agent, dir, rounds)),
      ];
    });
  });
};

export const images: Suite = {
  name: 'images',
  title: 'Images: import of a sparse file, fetches over HTTP, downloads of a snapshot',
  onlyWhenNamed: true,
  run,
};
