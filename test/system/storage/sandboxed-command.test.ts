import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { sandboxed } from '../../../lib/process/sandboxed-command.js';
import { unpack } from '../../../lib/subagents/shared/download/compression.js';
import { qemuImg } from '../../../lib/subagents/storage/qemu-img.js';
import { needs } from '../../helpers/needs.js';
import { until } from '../../helpers/wait.js';

// Guarantees: G40.

const test = needs('prlimit', 'setpriv', 'qemu-img');

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('limits the memory that a program may map', async (t) => {
  const { stdout } = await execa(...sandboxed('sh', ['-c', 'ulimit -v'], { addressSpaceMb: 64 }));
  t.is(stdout, String(64 * 1024));
  const { failed } = await execa(
    ...sandboxed('dd', ['if=/dev/zero', 'of=/dev/null', 'bs=100M', 'count=1'], { addressSpaceMb: 64 }),
    {
      reject: false,
    },
  );
  t.true(failed);
});

const diesWithParent = async (t: ExecutionContext, gid?: number): Promise<void> => {
  const module = new URL('../../../lib/process/sandboxed-command.js', import.meta.url).href;
  const script = `
    import { spawn } from 'node:child_process';
    import { sandboxed } from ${JSON.stringify(module)};
    const [program, args] = sandboxed('sleep', ['60'], ${JSON.stringify({ gid })});
    console.log(spawn(program, args, { stdio: 'ignore' }).pid);
  `;
  const parent = execa(process.execPath, ['--input-type=module', '-e', script], { reject: false });
  const pid = await new Promise<number>((resolve) =>
    parent.stdout.once('data', (data) => resolve(Number(data))),
  );
  await until('sleep runs', async () => (await execa('cat', [`/proc/${pid}/comm`])).stdout === 'sleep');
  parent.kill('SIGKILL');
  await parent;
  await until('sleep is gone', () => !isAlive(pid));
  t.pass();
};

test('a sandboxed program dies with its parent', (t) => diesWithParent(t));

const rootTest = needs('prlimit', 'setpriv', 'root');

rootTest('a sandboxed program of the user nobody dies with its parent', (t) =>
  diesWithParent(t, 2_000_000_000),
);

rootTest('runs a program as the user nobody in the given group, without capabilities', async (t) => {
  const { stdout } = await execa(...sandboxed('cat', ['/proc/self/status'], { gid: 2_000_000_000 }));
  t.regex(stdout, /^Uid:(\t65534){4}$/m);
  t.regex(stdout, /^Gid:(\t2000000000){4}$/m);
  t.regex(stdout, /^Groups:\s*$/m);
  t.regex(stdout, /^CapEff:\t0+$/m);
  t.regex(stdout, /^CapBnd:\t0+$/m);
  t.regex(stdout, /^NoNewPrivs:\t1$/m);
});

test('kills a qemu-img that takes too long', async (t) => {
  await t.throwsAsync(qemuImg(['info', '/dev/zero'], { timeoutMs: 1 }), { message: /took longer than/ });
});

test('names the package of a missing unpacker', async (t) => {
  const missing = unpack({
    name: 'zstd',
    input: 'compressed with zstd',
    command: ['no-such-zstd'],
    debianPackage: 'zstd',
  });
  const bytes = missing(
    (async function* () {
      yield Buffer.alloc(10);
    })(),
  );
  await t.throwsAsync(
    async () => {
      for await (const _ of bytes);
    },
    {
      message: 'the file is compressed with zstd, which cannot be unpacked here: install the package zstd',
    },
  );
});
