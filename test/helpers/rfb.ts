import { createCipheriv } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';

const VERSION = 'RFB 003.008\n';
const VNC_AUTHENTICATION = 2;
const PASSWORD_BYTES = 8;

/** VNC counts the bits of a key's bytes from the other end. */
const reverseBits = (byte: number): number =>
  Number.parseInt(byte.toString(2).padStart(8, '0').split('').reverse().join(''), 2);

/** DES of the challenge: three times with one key is once. */
const answerTo = (challenge: Buffer, password: string): Buffer => {
  const key = Buffer.alloc(PASSWORD_BYTES);
  key.write(password);
  const reversed = key.map(reverseBits);
  const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([reversed, reversed, reversed]), null);
  return cipher.setAutoPadding(false).update(challenge);
};

export interface RfbAnswer {
  /** The kinds of authentication that the server takes; 1 is none, 2 is a password. */
  kinds: number[];
  accepted: boolean;
}

/** Logs in to a VNC server on loopback: RFC 6143, 7.1 and 7.2.2. */
export const logIn = async (port: number, password: string): Promise<RfbAnswer> => {
  const socket = connect(port, '127.0.0.1');
  const read = async (bytes: number): Promise<Buffer> => {
    for (;;) {
      const data = socket.read(bytes) as Buffer | null;
      if (data) return data;
      await once(socket, 'readable');
    }
  };
  try {
    await read(VERSION.length);
    socket.write(VERSION);
    const [count = 0] = await read(1);
    const kinds = [...(await read(count))];
    socket.write(Buffer.of(VNC_AUTHENTICATION));
    socket.write(answerTo(await read(16), password));
    return { kinds, accepted: (await read(4)).readUInt32BE() === 0 };
  } finally {
    socket.destroy();
  }
};
