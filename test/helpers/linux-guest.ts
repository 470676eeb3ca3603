import { readFile } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { errorMessage } from '../../lib/errors.js';
import { buildGuestImage } from '../../scripts/guest-image.js';
import type { QemuHost } from './qemu.js';
import { until } from './wait.js';

/** The parts that building and running the guest needs; see `needs`. */
export const LINUX_PARTS = [
  'qemu-system-x86_64',
  'qemu-img',
  'busybox',
  'syslinux',
  'mcopy',
  'sfdisk',
  'cpio',
  'mkfs.fat',
];

const BOOT_TIMEOUT_MS = 120_000;
/** Long enough for a test that boots several guests on a busy machine. */
const TEST_TIMEOUT_MS = 300_000;

/** The image's id in each host's store. */
const IMAGE = 'linux';

let image: Promise<string> | undefined;

/** A guest that runs the tiny Linux of `scripts/guest-image`, from a disk of its own. */
export class LinuxGuest {
  readonly id: string;
  /** The path of its disk. */
  readonly disk: string;
  readonly #host: QemuHost;

  private constructor(host: QemuHost, id: string, disk: string) {
    this.#host = host;
    this.id = id;
    this.disk = disk;
  }

  /** Creates a guest, and returns while it is still booting. */
  static async create(
    t: ExecutionContext,
    host: QemuHost,
    guest: Record<string, unknown> = {},
  ): Promise<LinuxGuest> {
    t.timeout(TEST_TIMEOUT_MS);
    image ??= buildGuestImage();
    const base = await image;
    const id = host.newId();
    const disk = { source: await host.makeDisk(id), image: IMAGE };
    await execa('qemu-img', [
      ...['create', '-q', '-f', 'qcow2', '-F', 'qcow2'],
      ...['-b', await host.linkImage(base, IMAGE), disk.source],
    ]);
    await host.call('Create', { id, memory: 128, disks: [disk], ...guest });
    return new LinuxGuest(host, id, disk.source);
  }

  /** Everything that the guest has written to its serial console. */
  console(): Promise<string> {
    return readFile(this.#host.stateFile(this.id, 'serial.log'), 'utf8');
  }

  /**
   * Waits until the guest has printed `times` lines `mistify-guest: <words>`.
   * @throws with the whole console output
   */
  async says(words: string, times = 1): Promise<void> {
    const hasSaid = async (): Promise<boolean> =>
      (await this.console()).split(`mistify-guest: ${words}`).length > times;
    try {
      await until(`the guest has said "${words}", times ${times}`, hasSaid, BOOT_TIMEOUT_MS);
    } catch (error) {
      throw new Error(`${errorMessage(error)}; guest ${this.id} said:\n${await this.console()}`);
    }
  }
}
