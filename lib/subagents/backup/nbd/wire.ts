/** The numbers of the NBD protocol: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md. */

export const NBD_MAGIC = Buffer.from('NBDMAGIC');
export const OPTION_MAGIC = Buffer.from('IHAVEOPT');
export const OPTION_REPLY_MAGIC = 0x3e889045565a9n;
const REQUEST_MAGIC = 0x25609513;
export const SIMPLE_REPLY_MAGIC = 0x67446698;
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef;

/** `NBD_FLAG_FIXED_NEWSTYLE` and `NBD_FLAG_NO_ZEROES`, in both directions. */
export const HANDSHAKE_FLAGS = 3;

export const OPTION = { go: 7, structuredReply: 8, setMetaContext: 10 } as const;
export const OPTION_REPLY_ACK = 1;
export const INFO_EXPORT = 0;
/** Replies of this type and above are errors. */
export const FIRST_OPTION_ERROR = 2 ** 31;

export const COMMAND = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  writeZeroes: 6,
  blockStatus: 7,
} as const;
export type Command = (typeof COMMAND)[keyof typeof COMMAND];

/** A chunk of a structured reply. */
export const CHUNK = { data: 1, blockStatus: 5 } as const;
export const CHUNK_DONE = 1;
/** Chunks of this type and above are errors. */
export const FIRST_CHUNK_ERROR = 2 ** 15;

/** The meta context that says what an export stores, and its flag for extents that read as zeros. */
export const ALLOCATION = 'base:allocation';
export const STATE_ZERO = 2;
/** The flag of dirty extents in the contexts `qemu:dirty-bitmap:NAME`: QEMU, docs/interop/nbd.txt. */
export const STATE_DIRTY = 1;

/** Formats one option of the handshake. */
export const encodeOption = (option: number, data: Buffer): Buffer => {
  const head = Buffer.alloc(16);
  OPTION_MAGIC.copy(head);
  head.writeUInt32BE(option, 8);
  head.writeUInt32BE(data.length, 12);
  return Buffer.concat([head, data]);
};

/** Formats a text with its length before it. */
export const encodeText = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

export interface Request {
  command: Command;
  /** Identifies the reply. */
  handle: number;
  offset: number;
  length: number;
}

export const encodeRequest = ({ command, handle, offset, length }: Request): Buffer => {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt32BE(REQUEST_MAGIC, 0);
  bytes.writeUInt16BE(command, 6);
  bytes.writeBigUInt64BE(BigInt(handle), 8);
  bytes.writeBigUInt64BE(BigInt(offset), 16);
  bytes.writeUInt32BE(length, 24);
  return bytes;
};
