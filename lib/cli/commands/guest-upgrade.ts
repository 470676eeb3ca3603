import type { Command } from 'commander';
import { describeUpgrade, hardwareOf } from '../../model/machine-change.js';
import { addJobOptions, type FollowOptions, reportJob } from '../follow.js';
import { guestId, labelOf } from '../names.js';
import { withSession } from '../session.js';

interface UpgradeOptions extends FollowOptions {
  type?: string;
  cpuModel?: string;
}

const NOTES = `
Without options the guest gets the newest machine type that this host's QEMU has, and the newest arrangement of devices.
With --cpu-model alone the rest stays as it is; with --type alone the CPU model does. A guest that runs changes at its next
start: shut it down and start it, or use reboot; restart is not enough. To cancel the change, ask for what it has. Its
operating system sees new hardware: devices may get other names, and Windows may ask to be activated again. Take a
snapshot first.`;

export const addUpgradeMachine = (guest: Command): void => {
  const command = guest
    .command('upgrade-machine <guest>')
    .description('move a guest on to newer virtual hardware, at its next start')
    .option('--type <type>', 'versioned machine type, such as pc-q35-9.2')
    .option('--cpu-model <model>', 'model of the vCPUs, such as Nehalem')
    .addHelpText('after', NOTES);
  addJobOptions(command).action(
    withSession(async (session, text: string, options: UpgradeOptions) => {
      const id = await guestId(session.client, text);
      const { type, cpuModel, dryRun } = options;
      const current = dryRun ? await session.client.guests.get(id) : undefined;
      const accepted = await session.client.guests.upgradeMachine(id, { type, cpuModel, dryRun });
      const [before, after] = [current && hardwareOf(current), hardwareOf(accepted.body)];
      await reportJob(session, accepted, `upgrade-machine ${labelOf(accepted.body)}`, options);
      if (before && after && !session.out.json) session.out.line(describeUpgrade(before, after));
    }),
  );
};
