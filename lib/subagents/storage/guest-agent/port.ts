import type { QmpClient } from '../../../qmp/client.js';
import { GUEST_AGENT_CHARDEV } from '../../shared/guest-run-dir.js';

/** A part of QEMU's `ChardevInfo`. */
interface ChardevInfo {
  label: string;
  /** Of a virtio-serial port: a program in the guest has it open. */
  'frontend-open': boolean;
}

/**
 * Whether a program in the guest has the port of the guest agent open, which QEMU knows at once: `query-chardev`. Of a
 * QEMU that was started with other devices than ours it is taken to be so.
 */
export const hasAgent = async (live: QmpClient): Promise<boolean> => {
  const devices = await live.execute<ChardevInfo[]>('query-chardev');
  return devices.find(({ label }) => label === GUEST_AGENT_CHARDEV)?.['frontend-open'] ?? true;
};
