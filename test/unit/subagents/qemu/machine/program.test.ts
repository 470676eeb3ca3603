import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import {
  parseNicModels,
  QemuProgram,
  stderrMessage,
} from '../../../../../lib/subagents/qemu/machine/program.js';
import { tempDir } from '../../../../helpers/temp.js';

// Serial: exec fails with ETXTBSY while a process forked by another test still has the script open for writing.

const install = (path: string, ...script: string[]): Promise<void> =>
  writeFile(path, ['#!/bin/sh', ...script, ''].join('\n'), { mode: 0o755 });

test.serial('reports no sandbox when QEMU lacks it or is killed by it', async (t) => {
  const path = join(await tempDir(t), 'qemu');
  await install(path, 'echo "qemu: -sandbox support is not enabled in this QEMU binary" >&2', 'exit 1');
  t.false(await new QemuProgram(path, 'tcg').sandbox());
  await install(path, 'kill -SYS $$');
  t.false(await new QemuProgram(path, 'tcg').sandbox());
});

test.serial('probes the sandbox again after QEMU could not run', async (t) => {
  const path = join(await tempDir(t), 'qemu');
  const program = new QemuProgram(path, 'tcg');
  await t.throwsAsync(program.sandbox(), { message: /not installed/ });
  await install(path, 'echo "qemu: cannot set up guest memory" >&2', 'exit 1');
  await t.throwsAsync(program.sandbox(), { message: /cannot set up guest memory/ });
  await install(path, 'echo "$0: error while loading shared libraries: libseccomp.so.2" >&2', 'exit 127');
  await t.throwsAsync(program.sandbox(), { message: /libseccomp/ });
  await install(path, 'exit 0');
  t.true(await program.sandbox());
});

test('parses the network devices out of QEMU’s help', (t) => {
  const help = [
    'Storage devices:',
    'name "nvme", bus PCI',
    '',
    'Network devices:',
    'name "e1000", bus PCI, alias "e1000-82540em", desc "Intel"',
    'name "ne2k_isa", bus ISA',
    'name "rocker", bus PCI, desc "Rocker Switch"',
    'name "rtl8139", bus PCI',
    '',
    'Input devices:',
    'name "x", bus PCI',
  ].join('\n');
  t.deepEqual(parseNicModels(help), ['e1000', 'rtl8139']);
  t.deepEqual(parseNicModels('nothing'), []);
});

test('quotes QEMU’s errors and none of its warnings, even those that begin with an option', (t) => {
  const text = [
    "qemu-system-x86_64: warning: Machine type 'pc-q35-7.2' is deprecated",
    "qemu-system-x86_64: -mon chardev=qmp,mode=control: warning: '-mon' is deprecated, use '-object'",
    'qemu-system-x86_64: -accel kvm: info: fell back to tcg',
    'qemu-system-x86_64: -blockdev {"driver":"qcow2"}: Image is not in qcow2 format',
    '',
  ].join('\n');
  t.is(stderrMessage(text), '-blockdev {"driver":"qcow2"}: Image is not in qcow2 format');
  t.is(stderrMessage("qemu-system-x86_64: -mon chardev=a: warning: '-mon' is deprecated\n"), undefined);
});

test.serial('probes QEMU again once its file is another one', async (t) => {
  const path = join(await tempDir(t), 'qemu');
  const installVersion = (minor: number): Promise<void> =>
    install(
      path,
      `echo '{"return": {"qemu": {"major": 11, "minor": ${minor}, "micro": 0}}, "id": "version"}'`,
      `echo '{"return": [{"name": "pc-q35-11.${minor}", "alias": "q35"}], "id": "machines"}'`,
      `echo '{"return": [], "id": "cpu-models"}'`,
      `true ${'x'.repeat(minor)}`,
    );
  await installVersion(1);
  const program = new QemuProgram(path, 'tcg');
  t.is((await program.capabilities()).newest, 'pc-q35-11.1');
  t.false(await program.isUpgraded());
  await installVersion(2);
  t.true(await program.isUpgraded());
  t.is((await program.capabilities()).newest, 'pc-q35-11.2');
  t.false(await program.isUpgraded());
});
