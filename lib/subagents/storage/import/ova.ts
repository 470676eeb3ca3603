import { dirname, join } from 'node:path';
import type { Guest } from '../../../model/guest.js';
import { MAX_DISK_BYTES } from '../../../model/units.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { qemuImg } from '../qemu-img.js';
import type { ImportedDisk, ImportedGuest } from './imported-guest.js';
import { bytesOf, child, children, type Element, parseOvf, textOf } from './ovf.js';
import { type AttachedDisk, hardwareOf } from './ovf-hardware.js';
import { type StagedFile, type Staging, sumOf } from './staging.js';

/** A line of a manifest: DSP0243, "Manifest". */
const SUM = /^(SHA1|SHA256|SHA512)\s*\((.+)\)\s*=\s*([0-9a-f]+)\s*$/i;

/** @throws {Refusal} when a file differs from its sum in the manifest, or is missing */
const checkManifest = async (staging: Staging): Promise<void> => {
  const manifest = staging.files.find(({ name }) => /\.mf$/i.test(name));
  if (!manifest) return;
  for (const line of (await staging.text(manifest)).split('\n')) {
    const [, algorithm, name, sum] = SUM.exec(line.trim()) ?? [];
    if (algorithm === undefined || name === undefined || sum === undefined) continue;
    const file = staging.find(name);
    if (!file) throw new Refusal('invalid', `the OVA is incomplete: ${name.slice(0, 200)} is missing`);
    const found = await sumOf(file, algorithm.toLowerCase());
    if (found !== sum.toLowerCase())
      throw new Refusal(
        'invalid',
        `the OVA is damaged: ${name.slice(0, 200)} has the ${algorithm.toLowerCase()} ${found}, not ${sum}`,
      );
  }
};

/** Finds the file of a disk. @throws {Refusal} when it is elsewhere, packed, or missing */
const fileOf = (staging: Staging, envelope: Element, ref: string): StagedFile => {
  const files = children(child(envelope, 'References'), 'File');
  const entry = files.find((file) => textOf(file, '@id') === ref);
  const href = entry ? textOf(entry, '@href') : '';
  if (entry && (textOf(entry, '@compression') || 'identity') !== 'identity')
    throw new Refusal('invalid', `the OVA has ${href} compressed: unpack it, and pack the OVA again`);
  if (entry && textOf(entry, '@chunkSize') !== '')
    throw new Refusal('invalid', `the OVA has ${href} in chunks: join them, and pack the OVA again`);
  const file = staging.find(href);
  if (!file) throw new Refusal('invalid', `the OVA is incomplete: its disk ${href || ref} is not in it`);
  return file;
};

/** Creates a disk that the description asks for without a file. */
const blankDisk = async (
  staging: Staging,
  disk: Element,
  position: number,
): Promise<Pick<ImportedDisk, 'file' | 'format'>> => {
  const bytes = bytesOf(textOf(disk, '@capacity'), textOf(disk, '@capacityAllocationUnits'));
  if (!bytes || bytes > MAX_DISK_BYTES)
    throw new Refusal(
      'invalid',
      `the OVA has a blank disk of ${textOf(disk, '@capacity')}: its size is no size`,
    );
  const name = `blank disk ${position}`;
  const path = join(dirname(staging.files[0]?.path ?? ''), `blank-${position}`);
  await qemuImg(['create', '-q', '-f', 'qcow2', path, String(bytes)]);
  return { file: { name, path, size: 0, sha256: '' }, format: 'qcow2' };
};

const readDisk = async (
  staging: Staging,
  envelope: Element,
  { id, bus }: AttachedDisk,
  position: number,
): Promise<ImportedDisk> => {
  const disks = children(child(envelope, 'DiskSection'), 'Disk');
  const disk = disks.find((each) => textOf(each, '@diskId') === id);
  if (!disk)
    throw new Refusal('invalid', `the OVA's description does not say what its disk ${id.slice(0, 100)} is`);
  if (textOf(disk, '@parentRef') !== '')
    throw new Refusal('invalid', 'a disk of the OVA needs another one: merge them first into one');
  const ref = textOf(disk, '@fileRef');
  if (ref === '') return { bus, ...(await blankDisk(staging, disk, position)) };
  return { bus, file: fileOf(staging, envelope, ref) };
};

const systemOf = (envelope: Element): Element => {
  const systems = [
    ...children(envelope, 'VirtualSystem'),
    ...children(child(envelope, 'VirtualSystemCollection'), 'VirtualSystem'),
  ];
  const [system, second] = systems;
  if (!system) throw new Refusal('invalid', "the OVA's description has no virtual machine");
  if (second)
    throw new Refusal('invalid', `the OVA has ${systems.length} virtual machines: export them one by one`);
  return system;
};

const metadataOf = (system: Element): Pick<Guest, 'metadata' | 'description'> => {
  const name = (textOf(system, 'Name') || textOf(system, '@id')).slice(0, 255);
  const description = textOf(child(system, 'AnnotationSection'), 'Annotation').slice(0, 1000);
  return { ...(name ? { metadata: { name } } : {}), ...(description ? { description } : {}) };
};

/**
 * Reads a guest in an OVA of VirtualBox or VMware.
 * @throws {Refusal} for one that is damaged or incomplete, or has several virtual machines
 */
export const readOva = async (staging: Staging): Promise<ImportedGuest> => {
  const [description] = staging.files;
  if (!description) throw new Refusal('invalid', 'the file is empty');
  const envelope = parseOvf(await staging.text(description));
  await checkManifest(staging);
  const system = systemOf(envelope);
  const { guest, disks: attached, notes } = hardwareOf(system);
  if (attached.length === 0) throw new Refusal('invalid', "the OVA's virtual machine has no disk");
  const disks: ImportedDisk[] = [];
  for (const [position, disk] of attached.entries())
    disks.push(await readDisk(staging, envelope, disk, position));
  const isSigned = staging.files.some(({ name }) => /\.cert$/i.test(name));
  return {
    guest: { ...guest, ...metadataOf(system) },
    disks,
    tpm: [],
    notes: [...notes, ...(isSigned ? ['its signature was not checked'] : [])],
  };
};
