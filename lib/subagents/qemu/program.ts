import { InvalidArgumentError, Option } from 'commander';
import { hostDirOption } from '../shared/host/option.js';
import { DNSMASQ_LEASES } from '../shared/network/known-addresses.js';
import type { SubAgentProgram } from '../shared/run.js';
import { ACCEL_CHOICES } from './machine/accel.js';
import { parseUidRange } from './process/uids.js';
import { type QemuOptions, startQemu } from './service.js';

const collect = (path: string, paths: string[] = []): string[] => [...paths, path];

/** @throws {InvalidArgumentError} for what is not a number above 0 */
const parseRatio = (text: string): number => {
  const ratio = Number(text);
  if (!(ratio > 0)) throw new InvalidArgumentError('give a number above 0, such as 1.5');
  return ratio;
};

export const qemuProgram: SubAgentProgram<QemuOptions> = {
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
    new Option(
      '--memory-overcommit <ratio>',
      "how much memory running guests may have together, in multiples of this host's; above 1 they may need swap",
    )
      .argParser(parseRatio)
      .default(1),
    new Option(
      '--cpu-overcommit <ratio>',
      "how many vCPUs running guests may have together for each of this host's processors (default: any number)",
    ).argParser(parseRatio),
    hostDirOption(),
    new Option('--ovs-db <address>', "address of Open vSwitch's database (default: the system's)").env(
      'MISTIFY_OVS_DB',
    ),
    new Option(
      '--lease-file <path>',
      `file of dnsmasq's leases, which tell addresses of guests, repeatable (default: ${DNSMASQ_LEASES})`,
    ).argParser(collect),
  ],
  start: startQemu,
};
