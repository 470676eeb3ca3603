import { createCipheriv } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';

const VERSION = 'RFB 003.008\n';
const VNC_AUTHENTICATION = 2;
const PASSWORD_BYTES = 8;

/** VNC reverses the bits of each byte of the DES key. */
const reverseBits = (byte: number): number =>
  Number.parseInt(byte.toString(2).padStart(8, '0').split('').reverse().join(''), 2);

/** Encrypts the challenge with DES, as triple DES with three equal keys, which OpenSSL 3 still offers. */
const respondTo = (challenge: Buffer, password: string): Buffer => {
  const key = Buffer.alloc(PASSWORD_BYTES);
  key.write(password);
  const reversed = key.map(reverseBits);
  const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([reversed, reversed, reversed]), null);
  return cipher.setAutoPadding(false).update(challenge);
};

export interface LoginResult {
  /** The security types that the server offers: 1 is None, 2 is VNC authentication. */
  securityTypes: number[];
  accepted: boolean;
}

/** Logs in to a VNC server on loopback: RFC 6143, 7.1 and 7.2.2. */
export const logIn = async (port: number, password: string): Promise<LoginResult> => {
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
    const securityTypes = [...(await read(count))];
    socket.write(Buffer.of(VNC_AUTHENTICATION));
    socket.write(respondTo(await read(16), password));
    return { securityTypes, accepted: (await read(4)).readUInt32BE() === 0 };
  } finally {
    socket.destroy();
  }
};
