import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { MistifyClient } from '../../../lib/client/index.js';
import { stage, startAgent, waitUntilIdle } from '../agent.js';
import { memoryOf, type Running, using } from '../processes.js';
import type { Figure, Pace, Suite } from '../suite.js';

const SIZE_MB = 512;

const CONFIG = {
  services: {
    storage: { socket: 'storage.sock', command: ['mistify-storage'] },
    storageDownload: { socket: 'storage.sock', path: '/snapshots/download' },
  },
  actions: {
    create: stage('ImageStore.CreateGuestDisks', 'storage'),
    fetchImage: stage('ImageStore.RequestImage', 'storage'),
    getImage: stage('ImageStore.GetImage', 'storage'),
    createSnapshot: stage('ImageStore.CreateSnapshot', 'storage'),
    downloadSnapshot: stage('ImageStore.DownloadSnapshot', 'storageDownload'),
  },
};

/** Makes a disk image without holes for the storage sub-agent to import. */
const makeImage = async (dbpath: string): Promise<void> => {
  const directory = join(dbpath, 'storage', 'import');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'full.qcow2');
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', file, `${SIZE_MB}M`]);
  await execa('qemu-io', ['-f', 'qcow2', '-c', `write -q -P 0x5a 0 ${SIZE_MB}M`, file]);
};

/** More than the head of a response has. */
const MAX_HEAD_BYTES = 4096;

/**
 * Counts the bytes of a response. It reads them into one buffer, to take as little as possible of the processors that it
 * shares with the agent.
 */
const receive = (url: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const { hostname, port, host, pathname } = new URL(url);
    let bytes = 0;
    const count = (length: number): boolean => {
      bytes += length;
      return true;
    };
    const onread = { buffer: Buffer.alloc(256 * 1024), callback: count };
    const socket = connect({ host: hostname, port: Number(port), onread });
    socket.once('error', reject);
    socket.once('close', () => resolve(bytes));
    socket.once('end', () => socket.end());
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  });

/** Measures a download: MB per second, and the most resident memory of the process. */
const download = async (url: string, pid: number): Promise<{ rate: number; memory: number }> => {
  const startedAt = performance.now();
  let memory = 0;
  const watch = setInterval(async () => {
    memory = Math.max(memory, (await memoryOf(pid)).now);
  }, 20);
  const bytes = await receive(url);
  clearInterval(watch);
  const head = bytes - SIZE_MB * 2 ** 20;
  if (head <= 0 || head > MAX_HEAD_BYTES) throw new Error(`${url} sent ${bytes} bytes`);
  return { rate: SIZE_MB / ((performance.now() - startedAt) / 1000), memory };
};

/** Measures the tools without an agent, into a pipe whose bytes are discarded. */
const toolsAlone = async (file: string): Promise<number> => {
  const startedAt = performance.now();
  await execa('sh', ['-c', 'nbdcopy -- [ qemu-nbd -r --load-snapshot=one "$0" ] - | cat > /dev/null', file]);
  return SIZE_MB / ((performance.now() - startedAt) / 1000);
};

const makeSnapshot = async ({ url }: Running, dbpath: string) => {
  const client = new MistifyClient({ url });
  const source = `file://${join(dbpath, 'storage', 'import', 'full.qcow2')}`;
  await client.images.fetch({ id: 'full', source }, { wait: 120 });
  const { body: guest } = await client.guests.create({ disks: [{ image: 'full' }] }, { wait: 120 });
  await client.snapshotsOf(guest.id).create('one', { wait: 60 });
  return { path: `/guests/${guest.id}/snapshots/one/download`, file: String(guest.disks?.[0]?.source) };
};

const run = async ({ rounds }: Pace): Promise<Figure[]> => {
  let dbpath = '';
  const agent = await startAgent(async (path) => {
    dbpath = path;
    await makeImage(path);
  }, CONFIG);
  return using([agent], async () => {
    const { path, file } = await makeSnapshot(agent, dbpath);
    const [rate, memory, tools]: [number[], number[], number[]] = [[], [], []];
    await waitUntilIdle();
    await download(`${agent.url}${path}`, agent.pid);
    for (let round = 0; round < rounds; round += 1) {
      const { rate: ours, memory: resident } = await download(`${agent.url}${path}`, agent.pid);
      rate.push(ours);
      memory.push(resident);
      tools.push(await toolsAlone(file));
    }
    return [
      { name: `download of ${SIZE_MB} MB`, unit: 'MB/s', values: rate, target: { atLeast: 500 } },
      { name: '… the tools alone (nbdcopy, qemu-nbd)', unit: 'MB/s', values: tools },
      {
        name: '… memory of the agent meanwhile, at most',
        unit: 'MB',
        values: memory,
        target: { atMost: 150 },
      },
    ];
  });
};

export const downloads: Suite = {
  name: 'download',
  title: 'Download of a snapshot, through the storage sub-agent',
  run,
};
