import type { Command } from 'commander';
import type { Guest } from '../../client/index.js';
import { describeUpgrade, hardwareOf } from '../../model/machine-change.js';
import { addJobOptions, type FollowOptions } from '../follow.js';
import { guestIds, labelOf } from '../names.js';
import { reportJobs } from '../report-jobs.js';
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
    .command('upgrade-machine <guest...>')
    .description('move guests on to newer virtual hardware, at their next start')
    .option('--type <type>', 'versioned machine type, such as pc-q35-9.2')
    .option('--cpu-model <model>', 'model of the vCPUs, such as Nehalem')
    .addHelpText('after', NOTES);
  addJobOptions(command).action(
    withSession(async (session, texts: string[], options: UpgradeOptions) => {
      const { client, out } = session;
      const { type, cpuModel, dryRun } = options;
      const changes: string[] = [];
      const requests = (await guestIds(client, texts)).map((id) => ({
        title: `upgrade-machine ${id}`,
        titleOf: (body: Guest) => `upgrade-machine ${labelOf(body)}`,
        send: async () => {
          const current = dryRun ? await client.guests.get(id) : undefined;
          const accepted = await client.guests.upgradeMachine(id, { type, cpuModel, dryRun });
          const [before, after] = [current && hardwareOf(current), hardwareOf(accepted.body)];
          if (before && after) changes.push(describeUpgrade(before, after));
          return accepted;
        },
      }));
      await reportJobs(session, requests, options);
      if (!out.json) for (const change of changes) out.line(change);
    }),
  );
};
