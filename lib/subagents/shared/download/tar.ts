import { Refusal } from '../../../rpc/protocol/refusal.js';
import { type Filter, through } from './filter.js';

/** Bytes of an entry's header. */
export const TAR_HEADER_BYTES = 512;
const CHECKSUM = { start: 148, end: 156 } as const;

/**
 * Whether a file begins with the header of a tar archive, of any age: the header's checksum is right. It is the sum of
 * the header's bytes, with the checksum itself as spaces (POSIX, pax, "ustar Interchange Format").
 */
export const isTar = (head: Buffer): boolean => {
  if (head.length < TAR_HEADER_BYTES) return false;
  const field = head.toString('latin1', CHECKSUM.start, CHECKSUM.end);
  const [, octal] = /^[ \0]*([0-7]+)[ \0]*$/.exec(field) ?? [];
  if (octal === undefined) return false;
  const header = Buffer.from(head.subarray(0, TAR_HEADER_BYTES)).fill(' ', CHECKSUM.start, CHECKSUM.end);
  return header.reduce((sum, byte) => sum + byte, 0) === Number.parseInt(octal, 8);
};

/** Files that accompany a disk in an OVA or in a tar archive of a distribution, and an OVA's CD-ROMs. */
const COMPANIONS = ['ovf', 'mf', 'cert', 'nvram', 'iso', 'xml', 'json', 'txt', 'md', 'sig', 'asc'];

const TAR: Filter = {
  input: 'a tar archive',
  // GNU tar also unpacks sparse files, which cloud images often are. It stops reading at the archive's end mark; cat
  // reads what follows, so that the sums are those of the whole file.
  command: [
    ...(['sh', '-c', 'tar "$@" && exec cat >/dev/null', 'tar'] as const),
    ...['-x', '-O', '-v', '--ignore-case', '--exclude=._*'],
    ...COMPANIONS.map((suffix) => `--exclude=*.${suffix}`),
    ...['-f', '-'],
  ],
  debianPackage: 'tar',
};

const ADVICE = 'an OVA or tar archive must contain exactly one disk';

/** Unpacks the only disk of an OVA or another tar archive: see `through`. */
export async function* unpackTar(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const files: string[] = [];
  const onLine = (line: string): void => {
    if (!line.startsWith('tar: ') && !line.endsWith('/')) files.push(line);
  };
  const requireOne = (): void => {
    if (files.length > 1)
      throw new Refusal(
        'invalid',
        `the archive contains several files, among them ${files[0]} and ${files[1]}: ${ADVICE}`,
      );
  };
  for await (const chunk of through(TAR, onLine)(packed)) {
    requireOne();
    yield chunk;
  }
  requireOne();
  if (files.length === 0) throw new Refusal('invalid', `the archive contains no disk image: ${ADVICE}`);
}
