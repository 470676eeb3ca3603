#!/usr/bin/env node
import { Option } from 'commander';
import { runSubAgent } from '../shared/run.js';
import { ACCEL_CHOICES } from './machine/accel.js';
import { DEFAULT_UID_RANGE, parseUidRange } from './process/uids.js';
import { type QemuOptions, startQemu } from './service.js';

const collect = (path: string, paths: string[] = []): string[] => [...paths, path];

await runSubAgent<QemuOptions>({
  name: 'qemu',
  description: 'Runs virtual machines, one qemu-system-x86_64 each',
  defaultPort: 20001,
  options: [
    new Option('-d, --dir <path>', 'where what is known of the guests is kept')
      .env('MISTIFY_STATE_DIR')
      .default('/var/lib/mistify/qemu'),
    new Option('--run-dir <path>', 'where the sockets of the running guests are')
      .env('MISTIFY_RUN_DIR')
      .default('/run/mistify'),
    new Option('--accel <kind>', 'auto is kvm where the CPU has it and /dev/kvm opens, else tcg')
      .choices(ACCEL_CHOICES)
      .default('auto'),
    new Option(
      '--disk-dir <path>',
      'where disks may lie, repeatable (default: storage/guests beside --dir)',
    ).argParser(collect),
    new Option('--qemu <program>', 'the QEMU to run').default('qemu-system-x86_64'),
    new Option(
      '--uid-range <first-last>',
      "users that guests' QEMUs run as, each as one of its own, when this is root",
    )
      .argParser(parseUidRange)
      .default(DEFAULT_UID_RANGE, `${DEFAULT_UID_RANGE.first}-${DEFAULT_UID_RANGE.last}`),
    new Option('--ovs-db <address>', "Open vSwitch's database (default: the system's)").env('MISTIFY_OVS_DB'),
  ],
  start: startQemu,
});
