import type { QmpClient } from '../../../qmp/client.js';
import { GUEST_AGENT_CHARDEV } from '../guest-run-dir.js';

/** A part of QEMU's `ChardevInfo`. */
interface ChardevInfo {
  label: string;
  /** For a virtio-serial port: whether a program in the guest has it open. */
  'frontend-open': boolean;
}

/**
 * Whether a program in the guest has the guest agent's port open: QMP `query-chardev`. Assumes so for a QEMU whose port
 * has another name.
 */
export const hasAgent = async (live: Pick<QmpClient, 'execute'>): Promise<boolean> => {
  const devices = await live.execute<ChardevInfo[]>('query-chardev');
  return devices.find(({ label }) => label === GUEST_AGENT_CHARDEV)?.['frontend-open'] ?? true;
};
