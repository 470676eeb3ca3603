import { type Command, Option } from 'commander';
import { type CreateOptions, guestSpec } from '../../client/guest-spec.js';
import { VIDEO_MODELS, WATCHDOG_ACTIONS } from '../../model/devices.js';
import { FIRMWARES } from '../../model/firmware.js';
import { requireImage } from '../catalogue.js';
import { parseAutostart, parseRestart } from '../coming-back-options.js';
import {
  addContainerOptions,
  type ContainerFlags,
  requireContainer,
  withEnvFiles,
} from '../container-options.js';
import { usageFailure } from '../failure.js';
import { addJobOptions, type FollowOptions, reportNewGuest } from '../follow.js';
import {
  addPair,
  collect,
  collectAs,
  NIC_HELP,
  type NicAddress,
  parseAddress,
  parseCount,
  parseCpus,
  parseMb,
  parseNic,
} from '../option-values.js';
import { noteUnknownSealedKeys } from '../sealed-keys.js';
import { addSeedOptions, type SeedOptions, seedMetadata } from '../seed-options.js';
import { withSession } from '../session.js';

const EXAMPLES = `
Sizes are in MB or have a unit: 10240 or 10G. The first disk is cloned from the image, further disks are blank.
Without --disk, the guest gets one disk of the size of the image. A guest needs an image or a disk.

Metadata keys with an effect: user-data, vendor-data, hostname, nameservers (virtual machines), and sealed-keys, a list of
keys whose values no client may read.

${NIC_HELP}

Examples:
  mistify guest create --image debian-12 --memory 512 --cpu 1 --wait
  mistify guest create --image debian-12 --memory 2G --cpu 2 --disk 20G --disk 100G --nic br0 --name db
  mistify guest create --image debian-12 --memory 1G --cpu 1 --nic br0 --address 192.0.2.10/24,gateway=192.0.2.1 \\
    --ssh-key ~/.ssh/id_ed25519.pub --user-data web.yaml --name web
  mistify guest create debian/13 --memory 1G --cpu 1 --ssh-key ~/.ssh/id_ed25519.pub --name web   # fetched if needed
  mistify guest create --disk 20G --cdrom debian-13-netinst --memory 1G --name new
  mistify guest create --container --image docker.io/library/busybox:1 --memory 64 --command 'sleep 600'`;

/** @throws {Failure} for a guest that could not start */
const requireBootable = ({ image, disk = [], cdrom = [], container }: CreateOptions): void => {
  if (image !== undefined) return;
  if (container)
    throw usageFailure(
      'a container needs an image: give --image',
      'To list the images: mistify image list --container',
    );
  if (disk.length === 0 && cdrom.length === 0)
    throw usageFailure(
      'a guest without an image or a disk cannot boot: give --image IMAGE, or --disk SIZE for a blank disk and --cdrom IMAGE to install from',
      'To list the images: mistify image list',
    );
};

type Options = CreateOptions & ContainerFlags & FollowOptions & SeedOptions & { address?: NicAddress };

/** @throws {Failure} for an option that only virtual machines have, with `--container` */
const requireVm = ({ container, userData, sshKey }: Options): void => {
  if (container && (userData !== undefined || sshKey !== undefined))
    throw usageFailure(
      `--${userData === undefined ? 'ssh-key' : 'user-data'} is for cloud-init in a virtual machine: leave it out for a container`,
    );
};

/** @throws {Failure} when the image is given twice */
const withImage = (options: Options, wanted: string | undefined): Options => {
  if (wanted === undefined) return options;
  if (options.image !== undefined)
    throw usageFailure(`the image is given twice: ${wanted} and --image ${options.image}`);
  return { ...options, image: wanted };
};

/** Gives the address to the only NIC. */
const withAddress = ({ nic = [], address }: Options): Pick<CreateOptions, 'nic'> => {
  if (!address) return {};
  const [only] = nic;
  if (!only || nic.length > 1)
    throw usageFailure(
      '--address is for a guest with one NIC',
      'Give one --nic or, with several, each its own address: --nic br0,address=192.0.2.10/24',
    );
  return { nic: [{ ...only, ...address }] };
};

export const addCreate = (guest: Command): void => {
  const create = addContainerOptions(guest.command('create [image]'))
    .description('create a guest, and start it unless told otherwise')
    .option(
      '--image <image>',
      'the image to create the guest from; the argument is the same, and fetches one of the catalogue',
    )
    .option('--memory <size>', 'memory, in MB or with a unit: 2G', parseMb)
    .option('--cpu <count>', 'number of vCPUs; a container may have a part of one: 0.5', parseCpus)
    .option('--max-memory <size>', 'memory that the running guest can grow to', parseMb)
    .option('--max-cpu <count>', 'number of vCPUs that the running guest can grow to', parseCount)
    .option('--description <text>', 'a text for people')
    .option('--tag <tag>', 'a short label; repeatable', collect)
    .option(
      '--cpu-model <model>',
      'model of the vCPUs, as QEMU names it; by default all that the host can give',
    )
    .option('--disk <size>', 'size of a disk, in MB or with a unit: 10G; repeatable', collectAs(parseMb))
    .option(
      '--cdrom <image>',
      'a CD drive with this ISO image; the guest boots from it while its disk is blank; repeatable',
      collect,
    )
    .option(
      '--nic <bridge>',
      'a NIC on this bridge, or "user", with settings as needed, listed below; repeatable',
      collectAs(parseNic),
    )
    .option(
      '--address <address>',
      'static address of the only NIC: 192.0.2.10/24,gateway=192.0.2.1',
      parseAddress,
    )
    .option(
      '--autostart <policy>',
      'start after a boot of the host: never, always, or last (as before the boot); last,order=10,delay=30,shutdown-timeout=120,host-down=save',
      parseAutostart,
    )
    .option(
      '--restart <policy>',
      'start again after a failure: never, on-failure, or always (containers, after any exit); on-failure,retries=5,window=600',
      parseRestart,
    )
    .addOption(
      new Option('--firmware <kind>', 'bios or uefi; by default what the image needs').choices(FIRMWARES),
    )
    .option('--secure-boot', 'start only programs with a known signature; implies --firmware uefi')
    .option('--tpm', 'add a TPM 2.0')
    .option('--network-boot', 'boot from the NICs (PXE) when no disk boots')
    .addOption(new Option('--video <card>', 'graphics card; std by default').choices(VIDEO_MODELS))
    .addOption(
      new Option('--watchdog <action>', 'a watchdog, and what it does with a guest that hangs').choices(
        WATCHDOG_ACTIONS,
      ),
    )
    .option('--no-start', 'create the guest without starting it')
    .option('--no-tablet', 'leave out the pointer with absolute positions')
    .option('--name <name>', 'name of the guest, kept in its metadata key "name"')
    .option('--metadata <key=value>', 'a metadata entry; repeatable', addPair);
  addSeedOptions(create)
    .option('--id <uuid>', 'ID of the guest; generated by default')
    .addHelpText('after', EXAMPLES);
  addJobOptions(create).action(
    withSession(async (session, wanted: string | undefined, given: Options) => {
      const options = withImage(given, wanted);
      const { dryRun, name, start } = options;
      requireBootable(options);
      requireContainer(options);
      requireVm(options);
      const metadata = (await seedMetadata(options)) ?? {};
      const address = withAddress(options);
      const image = wanted && !options.container ? await requireImage(session, wanted, options) : undefined;
      if (image && !image.isHere)
        return session.out.note(`image ${image.id} would be fetched first; the guest itself was not checked`);
      const complete = {
        ...(await withEnvFiles(options)),
        ...address,
        ...(image && { image: image.id }),
        metadata,
      };
      const accepted = await session.client.guests.create(guestSpec(complete), { dryRun, start });
      const { id } = accepted.body;
      await noteUnknownSealedKeys(session.out, metadata['sealed-keys'], [...Object.keys(metadata), 'name']);
      await reportNewGuest(session, accepted, `create ${name ?? id}`, options);
    }),
  );
};
