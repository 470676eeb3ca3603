import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { QemuProgram } from '../../../../../lib/subagents/qemu/machine/program.js';
import { tempDir } from '../../../../helpers/temp.js';

// One after the other: a script cannot be run while a process that another test just forked has it open.

const install = (path: string, ...script: string[]): Promise<void> =>
  writeFile(path, ['#!/bin/sh', ...script, ''].join('\n'), { mode: 0o755 });

test.serial('there is no sandbox where QEMU says that it has none, or is killed by it', async (t) => {
  const path = join(await tempDir(t), 'qemu');
  await install(path, 'echo "qemu: -sandbox support is not enabled in this QEMU binary" >&2', 'exit 1');
  t.false(await new QemuProgram(path).sandbox());
  await install(path, 'kill -SYS $$');
  t.false(await new QemuProgram(path).sandbox());
});

test.serial('whether there is a sandbox is asked again where QEMU could not be run', async (t) => {
  const path = join(await tempDir(t), 'qemu');
  const program = new QemuProgram(path);
  await t.throwsAsync(program.sandbox(), { message: /not installed/ });
  await install(path, 'echo "qemu: cannot set up guest memory" >&2', 'exit 1');
  await t.throwsAsync(program.sandbox(), { message: /cannot set up guest memory/ });
  await install(path, 'echo "$0: error while loading shared libraries: libseccomp.so.2" >&2', 'exit 127');
  await t.throwsAsync(program.sandbox(), { message: /libseccomp/ });
  await install(path, 'exit 0');
  t.true(await program.sandbox());
});
