import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { isErrno } from '../../../errors.js';
import type { NewVolume } from '../../../model/volume.js';
import { endingWithParent } from '../../../process/with-parent.js';
import type { ByteStream } from '../../../rpc/protocol/byte-stream.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { notFound } from '../../shared/errors.js';
import type { EngineVolume, VolumeStore } from './store.js';

/** Owners by number and extended attributes are part of a volume: tar(1). */
const KEEP = ['--numeric-owner', '--xattrs', '--xattrs-include=*'];

/** The exit code of tar when files have changed while it read them. */
const CHANGED = 1;

const requireDirectory = (name: string, { Mountpoint }: EngineVolume): string => {
  if (Mountpoint) return Mountpoint;
  throw new Refusal('invalid', `volume ${name}: the engine does not say where its files are`);
};

const firstLine = (text: string): string => text.trim().split('\n')[0] ?? '';

/**
 * Opens the files of a volume as a tar archive. They may change meanwhile.
 * @throws {Refusal} `not_found` without the volume
 */
export const openVolume = async (store: VolumeStore, name: string): Promise<ByteStream> => {
  const found = await store.find(name);
  if (!found) throw notFound(`volume ${name}`);
  const directory = requireDirectory(name, found);
  const args = ['--create', '--file=-', '--one-file-system', ...KEEP, `--directory=${directory}`, '.'];
  const [program, ...rest] = endingWithParent('KILL', ['tar', ...args]);
  const child = execa(program, rest, { reject: false, stdin: 'ignore', buffer: { stdout: false } });
  const read = async function* (): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const { exitCode, stderr } = await child;
    if (exitCode === undefined || exitCode > CHANGED)
      throw new Error(
        `volume ${name} was not read completely: ${firstLine(stderr) || `tar ended with ${exitCode}`}`,
      );
  };
  return { bytes: Readable.from(read(), { objectMode: false }) };
};

/** Unpacks a tar archive into an empty directory. tar itself keeps what is outside of it out of reach. */
const unpack = async (name: string, directory: string, bytes: Readable): Promise<void> => {
  const args = ['--extract', '--file=-', '--same-owner', '--preserve-permissions', ...KEEP];
  const [program, ...rest] = endingWithParent('KILL', ['tar', ...args, `--directory=${directory}`]);
  const child = execa(program, rest, { reject: false });
  const [sent, ended] = await Promise.allSettled([pipeline(bytes, child.stdin), child]);
  const { exitCode, stderr } =
    ended.status === 'fulfilled' ? ended.value : { exitCode: undefined, stderr: '' };
  // tar stops reading at the end of the archive.
  const isCut = sent.status === 'rejected' && !isErrno(sent.reason, 'EPIPE');
  if (exitCode !== 0 && !isCut) {
    const kind = /no space left|quota exceeded/i.test(stderr) ? 'no_space' : 'invalid';
    throw new Refusal(
      kind,
      `volume ${name}: the archive cannot be unpacked: ${firstLine(stderr) || 'tar was ended'}`,
    );
  }
  if (isCut) throw new Error(`volume ${name}: the archive did not arrive completely`);
};

/**
 * Makes a volume of the files in a tar archive. It is made new, so that nothing in it can lead the archive elsewhere, and
 * removed again when the archive is damaged or does not arrive.
 * @throws {Refusal} `conflict` when there is a volume of that name, `invalid` when it is no tar archive
 */
export const receiveVolume = (
  store: VolumeStore,
  { name, labels }: NewVolume,
  bytes: Readable,
): Promise<EngineVolume> =>
  store.exclusively([name], async () => {
    await store.requireFree(name);
    const made = await store.make({ name, ...(labels ? { labels } : {}) });
    try {
      await unpack(name, requireDirectory(name, made), bytes);
    } catch (error) {
      await store.discard(name);
      throw error;
    }
    return made;
  });
