import type { Command } from 'commander';
import { type CreateOptions, guestSpec } from '../../client/guest-spec.js';
import { type FollowOptions, queues, tellOfJob } from '../follow.js';
import { addPair, parseCount, parseMb, parseNic } from '../option-values.js';
import { talking } from '../session.js';

const EXAMPLES = `
Sizes are in MB, or with a unit: 10240 is 10G. The first disk is cloned from the image, those after it are blank;
without --disk it is as large as the image.

Examples:
  mistify guest create --image debian-12 --memory 512 --cpu 1 --wait
  mistify guest create --image debian-12 --memory 2G --cpu 2 --disk 20G --disk 100G --nic br0 --name db
  mistify guest create --container --image docker.io/library/busybox:1 --memory 64`;

const added =
  <T>(parse: (text: string) => T) =>
  (text: string, earlier: T[] = []): T[] => [...earlier, parse(text)];

export const addCreate = (guest: Command): void => {
  const create = guest
    .command('create')
    .description('create a guest, and start it')
    .option('--image <image>', 'the image that it is made from')
    .option('--memory <size>', 'in MB, or such as 2G', parseMb)
    .option('--cpu <count>', 'number of vCPUs', parseCount)
    .option('--disk <size>', 'a disk, in MB or such as 10G; may be given several times', added(parseMb))
    .option(
      '--nic <bridge>',
      'a network card on that bridge, or "user"; br0,mac=…,model=…,vlan=10; may be given several times',
      added(parseNic),
    )
    .option('--name <name>', 'what to call it: its metadata key "name"')
    .option('--metadata <key=value>', 'may be given several times', addPair)
    .option('--id <uuid>', 'its id; one is made when none is given')
    .option('--container', 'a container, not a virtual machine')
    .addHelpText('after', EXAMPLES);
  queues(create).action(
    talking(async (session, options: CreateOptions & FollowOptions) => {
      const { dryRun, name } = options;
      const accepted = await session.client.guests.create(guestSpec(options), { dryRun });
      const { id } = accepted.body;
      await tellOfJob(session, accepted, `create ${name ?? id}`, options);
      if (!dryRun && name !== undefined) session.out.note(`its id is ${id}`);
    }),
  );
};
