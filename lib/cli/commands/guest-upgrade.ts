import type { Command } from 'commander';
import { shortId } from '../../portable/format.js';
import { addJobOptions, type FollowOptions, reportJob } from '../follow.js';
import { guestId, nameOf } from '../names.js';
import { withSession } from '../session.js';

interface UpgradeOptions extends FollowOptions {
  type?: string;
  cpuModel?: string;
}

const NOTES = `
The guest gets the newest machine type that this host's QEMU has, and the newest arrangement of devices. A guest that
runs gets them at its next start. Its operating system sees new hardware: devices may get other names, and Windows may
ask to be activated again. Take a snapshot first.`;

export const addUpgradeMachine = (guest: Command): void => {
  const command = guest
    .command('upgrade-machine <guest>')
    .description('move a guest on to newer virtual hardware, at its next start')
    .option('--type <type>', 'versioned machine type, such as pc-q35-9.2; the newest by default')
    .option('--cpu-model <model>', 'model of the vCPUs; the one that the guest has by default')
    .addHelpText('after', NOTES);
  addJobOptions(command).action(
    withSession(async (session, text: string, options: UpgradeOptions) => {
      const id = await guestId(session.client, text);
      const { type, cpuModel, dryRun } = options;
      const accepted = await session.client.guests.upgradeMachine(id, { type, cpuModel, dryRun });
      await reportJob(session, accepted, `upgrade-machine ${nameOf(accepted.body) ?? shortId(id)}`, options);
    }),
  );
};
