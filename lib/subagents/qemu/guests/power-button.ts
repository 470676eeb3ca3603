import type { Watch } from './watch.js';

/**
 * I/O ports of the PM1 status and enable registers, where SeaBIOS and OVMF place them on q35, and the power button's
 * bit in both: ACPI 6.5, section 4.8.3.1.
 */
const PM1_STATUS = 0x600;
const PM1_ENABLE = 0x602;
const POWER_BUTTON = 1 << 8;
/** Read from a port that the firmware has not mapped yet. */
const UNMAPPED = 0xffff;

/** A guest this young may still be booting: its kernel takes the press before a program listens for it. */
const BOOT_MS = 60_000;
/** The firmware has mapped the registers long before this. */
const FIRMWARE_MS = 10_000;
const FIRST_REPEAT_MS = 5000;
const FIRST_REPEAT_OF_YOUNG_MS = 30_000;

/**
 * How the guest treats the button: it does not listen yet, it has not taken the last press, or it waits for one.
 * `unreadable` when QEMU does not show the registers.
 */
type ButtonState = 'deaf' | 'pressed' | 'released' | 'unreadable';

/** Reads an I/O port of the guest: HMP `i`. */
const readPort = async (watch: Watch, port: number): Promise<number> => {
  const output = await watch.execute<string>('human-monitor-command', { 'command-line': `i /xh ${port}` });
  return Number(output.split('=')[1]);
};

/**
 * Whether a guest has lost its power button for the rest of its run. Without the registers it cannot power itself off
 * either. SeaBIOS 1.16 does not map them again when a q35 guest wakes from ACPI S3.
 */
export const isButtonLost = async (watch: Watch): Promise<boolean> => {
  if (Date.now() - watch.bootedAt < FIRMWARE_MS) return false;
  return (await readPort(watch, PM1_ENABLE).catch(() => 0)) === UNMAPPED;
};

const readButton = async (watch: Watch): Promise<ButtonState> => {
  try {
    const [status, enable] = [await readPort(watch, PM1_STATUS), await readPort(watch, PM1_ENABLE)];
    if (Number.isNaN(status) || Number.isNaN(enable)) return 'unreadable';
    if (enable === UNMAPPED || (enable & POWER_BUTTON) === 0) return 'deaf';
    return (status & POWER_BUTTON) === 0 ? 'released' : 'pressed';
  } catch {
    return 'unreadable';
  }
};

/**
 * A guest's ACPI power button. Many guests take a second press as "cancel", so it is pressed once. The exception is a
 * guest that was still booting, where the first press may have been lost: there it is pressed again at growing
 * intervals.
 */
export class PowerButton {
  readonly #watch: Watch;
  #presses = 0;
  #wasDeaf = false;
  #wasYoung = false;
  #nextPress = 0;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  /**
   * Presses the button (QMP `system_powerdown`) if the guest listens and needs a press. Call it repeatedly.
   * @returns whether it was pressed
   */
  async press(): Promise<boolean> {
    const state = await readButton(this.#watch);
    if (state === 'deaf') {
      this.#wasDeaf = true;
      this.#nextPress = 0;
      return false;
    }
    if (state === 'pressed' || performance.now() < this.#nextPress) return false;
    await this.#press();
    return true;
  }

  /** How the guest reacted, for an error message. */
  get reaction(): string {
    if (this.#presses > 0) return 'it was told to by the power button, and may still do it';
    return 'nothing in it listens to the ACPI power button';
  }

  async #press(): Promise<void> {
    if (this.#presses === 0) this.#wasYoung = Date.now() - this.#watch.bootedAt < BOOT_MS;
    // A QEMU that is exiting no longer accepts commands.
    await this.#watch.execute('system_powerdown').catch(() => undefined);
    this.#nextPress = performance.now() + this.#repeatMs * 2 ** this.#presses;
    this.#presses += 1;
  }

  get #repeatMs(): number {
    if (this.#wasDeaf) return FIRST_REPEAT_MS;
    return this.#wasYoung ? FIRST_REPEAT_OF_YOUNG_MS : Number.POSITIVE_INFINITY;
  }
}
