#!/usr/bin/env -S node --v8-pool-size=1 --heap-growing-percent=200 --no-allocation-site-pretenuring
import { Option } from 'commander';
import { hostDirOption } from '../shared/host/option.js';
import { runSubAgent } from '../shared/run.js';
import { ACCEL_CHOICES } from './machine/accel.js';
import { parseUidRange } from './process/uids.js';
import { type QemuOptions, startQemu } from './service.js';

const collect = (path: string, paths: string[] = []): string[] => [...paths, path];

await runSubAgent<QemuOptions>({
  name: 'qemu',
  description: 'Runs virtual machines, each in a qemu-system-x86_64 process of its own',
  defaultPort: 20001,
  options: [
    new Option('-d, --dir <path>', "directory of the guests' definitions, logs and seeds")
      .env('MISTIFY_STATE_DIR')
      .default('/var/lib/mistify/qemu'),
    new Option('--run-dir <path>', "directory of the running guests' sockets")
      .env('MISTIFY_RUN_DIR')
      .default('/run/mistify'),
    new Option('--accel <kind>', 'auto means kvm when the CPU supports it and /dev/kvm opens, otherwise tcg')
      .choices(ACCEL_CHOICES)
      .default('auto'),
    new Option(
      '--disk-dir <path>',
      "directory that guests' disks may lie in, repeatable (default: storage/guests beside --dir)",
    ).argParser(collect),
    new Option('--qemu <program>', 'QEMU program to run').default('qemu-system-x86_64'),
    new Option(
      '--uid-range <first-last>',
      "uids to run guests' QEMUs as, a different one for each guest; needs root (default: 65536 that no other agent of this host uses, from 2000000000)",
    ).argParser(parseUidRange),
    hostDirOption(),
    new Option('--ovs-db <address>', "address of Open vSwitch's database (default: the system's)").env(
      'MISTIFY_OVS_DB',
    ),
  ],
  start: startQemu,
});
