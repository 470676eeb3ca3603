import { describeMistakes } from '../../../model/describe-mistakes.js';
import {
  EXPORT_FORMAT,
  EXPORT_VERSION,
  type ExportManifest,
  MANIFEST_NAME,
  NVRAM_NAME,
  SUMS_NAME,
  TPM_DIR,
} from '../../../model/guest-export.js';
import { exportManifestSchema } from '../../../model/guest-export-schema.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { ImportedGuest } from './imported-guest.js';
import type { StagedFile, Staging } from './staging.js';

const damaged = (reason: string): Refusal =>
  new Refusal('invalid', `the exported guest is damaged or incomplete: ${reason}: export it again`);

const parse = (text: string): ExportManifest => {
  let content: Partial<ExportManifest>;
  try {
    content = JSON.parse(text) as Partial<ExportManifest>;
  } catch {
    throw damaged(`${MANIFEST_NAME} is not JSON`);
  }
  if (content?.format === EXPORT_FORMAT && Number(content.version) > EXPORT_VERSION)
    throw new Refusal(
      'invalid',
      `the guest was exported by a newer version of the agent (format ${content.version}): this one reads up to ${EXPORT_VERSION}`,
    );
  const { value, error } = exportManifestSchema.validate(content);
  if (error) throw damaged(`${MANIFEST_NAME}: ${describeMistakes(error)}`);
  return value;
};

/** A line of sha256sum(1). */
const SUM = /^([0-9a-f]{64}) [ *](.+)$/;

const parseSums = (text: string): Map<string, string> =>
  new Map(
    text.split('\n').flatMap((line) => {
      const [, sum, name] = SUM.exec(line) ?? [];
      return sum === undefined || name === undefined ? [] : [[name, sum] as const];
    }),
  );

/** @throws {Refusal} unless every file has the sum that the last one lists, and each listed file is there */
const checkSums = async (staging: Staging): Promise<void> => {
  const list = staging.files.at(-1);
  if (list?.name !== SUMS_NAME) throw damaged(`it does not end with ${SUMS_NAME}`);
  const sums = parseSums(await staging.text(list));
  for (const { name, sha256 } of staging.files.slice(0, -1)) {
    const listed = sums.get(name);
    if (listed === undefined) throw damaged(`${SUMS_NAME} does not list ${name}`);
    if (listed !== sha256) throw damaged(`${name} has the sha256 ${sha256}, not ${listed}`);
    sums.delete(name);
  }
  const [missing] = sums.keys();
  if (missing !== undefined) throw damaged(`${missing} is missing`);
};

const required = (staging: Staging, name: string): StagedFile => {
  const file = staging.find(name);
  if (!file) throw damaged(`${name} is missing`);
  return file;
};

/** Gives the disks of a guest consecutive numbers, as a new guest has, also where it names them. */
const renumbered = ({ guest, disks }: ExportManifest): ExportManifest['guest'] => {
  const names = new Map(disks.map(({ number }, position) => [`disk${number}`, `disk${position}`]));
  const { bootOrder } = guest;
  if (!bootOrder) return guest;
  return {
    ...guest,
    bootOrder: bootOrder.flatMap((each) => names.get(each) ?? (/^cd/.test(each) ? each : [])),
  };
};

/**
 * Reads a guest that an agent exported.
 * @throws {Refusal} unless all of its files are there and have their sums
 */
export const readNative = async (staging: Staging): Promise<ImportedGuest> => {
  const manifest = parse(await staging.text(required(staging, MANIFEST_NAME)));
  await checkSums(staging);
  const { disks, files, leftOut } = manifest;
  const known = [MANIFEST_NAME, SUMS_NAME, ...files, ...disks.map(({ file }) => file)];
  const stranger = staging.files.find(({ name }) => !known.includes(name));
  if (stranger) throw damaged(`${stranger.name.slice(0, 200)} does not belong to it`);
  const nvram = files.includes(NVRAM_NAME) ? required(staging, NVRAM_NAME) : undefined;
  return {
    guest: renumbered(manifest),
    disks: disks.map(({ file, bus }) => ({ file: required(staging, file), bus, format: 'qcow2' })),
    tpm: files.filter((name) => name.startsWith(`${TPM_DIR}/`)).map((name) => required(staging, name)),
    ...(nvram ? { nvram } : {}),
    notes: leftOut.length > 0 ? [`not in the file: ${leftOut.join('; ')}`] : [],
  };
};
