import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { makeAgentDisk, startAgent } from './agent-disk.js';
import { type Viewer, view } from './console.js';
import { LinuxGuest } from './linux-guest.js';
import { QemuHost } from './qemu.js';

const BOOT_MS = 120_000;

export interface AgentGuest {
  host: QemuHost;
  guest: LinuxGuest;
  viewer: Viewer;
}

/** A guest with the real guest agent running in it. `options` are options of the agent. */
export const guestWithAgent = (t: ExecutionContext, ...options: string[]): Promise<AgentGuest> =>
  sizedGuestWithAgent(t, {}, ...options);

/** The same, with a size of its own. */
export const sizedGuestWithAgent = async (
  t: ExecutionContext,
  size: Record<string, number>,
  ...options: string[]
): Promise<AgentGuest> => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host);
  const { id } = guest;
  await guest.says('up');
  // The second disk is there from the next start.
  await host.call('Poweroff', { id });
  const [first, second] = [`${host.dir}/storage/guests/${id}/disk-0.qcow2`, await host.makeDisk(id, 1)];
  await execa('qemu-img', ['convert', '-O', 'qcow2', await makeAgentDisk(t), second]);
  const disks = [{ source: first, image: 'linux' }, { source: second }];
  await host.call('CreateGuest', { id, memory: 128, ...size, disks });
  await host.call('Run', { id });
  await guest.says('up', 2);
  const viewer = await view(host.consoleUrl('serial', id));
  t.teardown(() => viewer.leave());
  viewer.type(`kill $(cat /run/heartbeat.pid); mkdir /sbin\n${startAgent(...options)}`);
  await viewer.sees('it is listening', BOOT_MS);
  return { host, guest, viewer };
};
