import type { Socket } from 'node:net';
import type { SocketBytes } from './bytes.js';
import * as wire from './wire.js';

export interface Export {
  /** Bytes. */
  size: number;
  /** The ids of the meta contexts that the server has, by name. */
  contexts: Map<string, number>;
}

interface OptionReply {
  type: number;
  data: Buffer;
}

const readReply = async (bytes: SocketBytes): Promise<OptionReply> => {
  const head = await bytes.read(20);
  if (head.readBigUInt64BE(0) !== wire.OPTION_REPLY_MAGIC) throw new Error('not an NBD server');
  return { type: head.readUInt32BE(12), data: await bytes.read(head.readUInt32BE(16)) };
};

/** Sends an option, and takes its replies until the server has acknowledged it. */
const negotiate = async (
  socket: Socket,
  bytes: SocketBytes,
  [option, data]: readonly [number, Buffer],
  what: string,
): Promise<OptionReply[]> => {
  socket.write(wire.encodeOption(option, data));
  const replies: OptionReply[] = [];
  for (;;) {
    const reply = await readReply(bytes);
    if (reply.type >= wire.FIRST_OPTION_ERROR)
      throw new Error(`the server refuses ${what}: ${reply.data.toString() || reply.type.toString(16)}`);
    if (reply.type === wire.OPTION_REPLY_ACK) return replies;
    replies.push(reply);
  }
};

/** Opens an export with the meta contexts of that many names that the server knows. */
export const openExport = async (
  socket: Socket,
  bytes: SocketBytes,
  name: string,
  contexts: readonly string[],
): Promise<Export> => {
  const greeting = await bytes.read(18);
  const isNewStyle =
    greeting.subarray(0, 8).equals(wire.NBD_MAGIC) && greeting.subarray(8, 16).equals(wire.OPTION_MAGIC);
  if (!isNewStyle) throw new Error('not an NBD server');
  const flags = Buffer.alloc(4);
  flags.writeUInt32BE(greeting.readUInt16BE(16) & wire.HANDSHAKE_FLAGS);
  socket.write(flags);

  const ids = new Map<string, number>();
  if (contexts.length > 0) {
    await negotiate(socket, bytes, [wire.OPTION.structuredReply, Buffer.alloc(0)], 'structured replies');
    const count = Buffer.alloc(4);
    count.writeUInt32BE(contexts.length);
    const query = Buffer.concat([wire.encodeText(name), count, ...contexts.map(wire.encodeText)]);
    const option = [wire.OPTION.setMetaContext, query] as const;
    for (const { data } of await negotiate(socket, bytes, option, `the contexts ${contexts.join(', ')}`))
      ids.set(data.toString('utf8', 4), data.readUInt32BE(0));
  }
  const go = Buffer.concat([wire.encodeText(name), Buffer.alloc(2)]);
  const replies = await negotiate(socket, bytes, [wire.OPTION.go, go], `the export ${name}`);
  const info = replies.find(({ data }) => data.readUInt16BE(0) === wire.INFO_EXPORT);
  if (!info) throw new Error(`the server does not describe the export ${name}`);
  return { size: Number(info.data.readBigUInt64BE(2)), contexts: ids };
};
