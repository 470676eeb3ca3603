import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { ProgramError, runProgram } from '../../../lib/process/run-program.js';
import { waitUntilGone } from '../../helpers/program.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const LONG = { timeoutMs: 60_000 };

test('returns what a program writes, and gives it its input', async (t) => {
  t.deepEqual(await runProgram('sh', ['-c', 'cat; echo note >&2'], { ...LONG, input: 'in' }), {
    stdout: 'in',
    stderr: 'note',
  });
  t.is((await runProgram('cat', [], LONG)).stdout, '');
});

test('fails with the words of the program, or else with how it ended', async (t) => {
  const fails = (script: string, options = LONG) =>
    t.throwsAsync(runProgram('sh', ['-c', script], options), { instanceOf: ProgramError });
  t.like(await fails('echo no luck >&2; exit 3'), { message: 'no luck', exitCode: 3, isMissing: false });
  t.like(await fails('exit 3'), { message: 'exited with 3' });
  t.like(await fails('kill -SYS $$'), { message: 'ended by SIGSYS', signal: 'SIGSYS' });
  t.like(await fails('exec sleep 60', { timeoutMs: 100 }), {
    message: 'took longer than 0.1 s',
    timedOut: true,
  });
});

test('recognizes a program that is not installed, and none that cannot be loaded', async (t) => {
  for (const program of ['no-such-program-7', '/no/such/program'])
    t.like(await t.throwsAsync(runProgram(program, [], LONG)), { isMissing: true });
  const words = 'echo "error while loading shared libraries: libx.so" >&2; exit 127';
  t.like(await t.throwsAsync(runProgram('sh', ['-c', words], LONG)), { isMissing: false });
});

const TESTED = [
  ['run-program', '({ runProgram }) => runProgram(PROGRAM, [], { timeoutMs: 60_000 })'],
  [
    '../subagents/qemu/machine/program',
    '({ QemuProgram }) => new QemuProgram(PROGRAM, "tcg").capabilities()',
  ],
] as const;

for (const [module, run] of TESTED)
  test(`a program that ${module} runs ends with its parent`, async (t) => {
    const program = join(await tempDir(t), 'program');
    await writeFile(program, '#!/bin/sh\necho $$ > "$0.pid"; exec sleep 600\n', { mode: 0o755 });
    const url = new URL(`../../../lib/process/${module}.js`, import.meta.url).href;
    const script = `
      const PROGRAM = ${JSON.stringify(program)};
      await (${run})(await import(${JSON.stringify(url)}));
    `;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    const pid = await until('the program runs', async () =>
      Number(await readFile(`${program}.pid`, 'utf8').catch(() => '')),
    );
    parent.kill('SIGKILL');
    await t.notThrowsAsync(waitUntilGone(pid));
  });
