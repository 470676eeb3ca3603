import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import getPort from 'get-port';
import { HEALTH_PATH } from '../../../lib/rpc/protocol/calls.js';
import { builtProgram } from '../../helpers/built-program.js';
import { LOOPBACK } from '../../helpers/loopback.js';
import { needs } from '../../helpers/needs.js';
import { childrenOf } from '../../helpers/processes.js';
import { isAlive } from '../../helpers/program.js';
import { asDisk } from '../../helpers/raw-disk.js';
import { serveHttp } from '../../helpers/storage.js';
import { callMethod, type RpcResult } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-img', 'zstd', 'prlimit', 'setpriv');

const MAIN = builtProgram('storage');
const MB = 2 ** 20;

interface Program {
  pid: number;
  call: (method: string, request: object) => Promise<RpcResult>;
  kill: () => Promise<void>;
}

const startProgram = async (t: ExecutionContext, dir: string): Promise<Program> => {
  const port = await getPort();
  const env = {
    MISTIFY_PORT: String(port),
    MISTIFY_STATE_DIR: join(dir, 'state'),
    MISTIFY_RUN_DIR: dir,
    MISTIFY_PRIVATE_ADDRESSES: LOOPBACK.join(','),
  };
  const program = execa(process.execPath, [MAIN], { env, reject: false, stdout: 'ignore', stderr: 'ignore' });
  const kill = async (): Promise<void> => {
    program.kill('SIGKILL');
    await program;
  };
  t.teardown(kill);
  await until(
    'the program responds',
    async () => (await fetch(`http://127.0.0.1:${port}${HEALTH_PATH}`).catch(() => undefined))?.ok,
    30_000,
  );
  const call = (method: string, request: object): Promise<RpcResult> =>
    callMethod(port, `ImageStore.${method}`, request);
  return { pid: program.pid ?? 0, call, kill };
};

test('a killed fetch lists no image, and leaves nothing after the next start', async (t) => {
  t.timeout(120_000);
  const dir = await tempDir(t);
  const bytes = Buffer.from(
    (await execa('zstd', ['-cq'], { input: asDisk(Buffer.alloc(8 * MB, 'disk')), encoding: 'buffer' }))
      .stdout,
  );
  let whole = false;
  const url = await serveHttp(t, (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    if (whole) response.end(bytes);
    else response.write(bytes.subarray(0, -10));
  });
  const request = { id: 'a', type: 'kvm', dest: '', source: `${url}/a` };

  const first = await startProgram(t, dir);
  const failed = first.call('RequestImage', request).catch(() => 'the connection broke');
  await until('bytes have arrived', async () => {
    const [fetch] = await readdir(join(dir, 'state', 'tmp'));
    return fetch && (await readdir(join(dir, 'state', 'tmp', fetch))).length > 0;
  });
  const children = await until('an unpacker runs', async () => {
    const pids = await childrenOf(first.pid);
    return pids.length > 0 ? pids : undefined;
  });
  await first.kill();
  t.is(await failed, 'the connection broke');
  await until('the unpacker has exited', () => !children.some(isAlive));

  const second = await startProgram(t, dir);
  t.deepEqual((await second.call('ListImages', {})).result, { images: [] });
  for (const part of ['images', 'tmp', 'sums']) t.deepEqual(await readdir(join(dir, 'state', part)), []);
  whole = true;
  const { result } = await second.call('RequestImage', request);
  t.is((result as { images: { status: string }[] }).images[0]?.status, 'complete');
  t.deepEqual(await readdir(join(dir, 'state', 'tmp')), []);
});

test('rejects an --image-server that is not a URL', async (t) => {
  const { exitCode, stderr } = await execa(process.execPath, [MAIN, '--image-server', 'images.example'], {
    reject: false,
  });
  t.is(exitCode, 1);
  t.regex(stderr, /Give an http or https URL/);
});
