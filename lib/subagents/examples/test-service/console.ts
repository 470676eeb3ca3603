import { Duplex } from 'node:stream';
import type { Console } from '../../../http/websocket/console.js';

const CARRIAGE_RETURN = 0x0d;

/** Echoes a byte, and a prompt after a carriage return. */
const echoed = (byte: number): Buffer => (byte === CARRIAGE_RETURN ? Buffer.from('\r\n$ ') : Buffer.of(byte));

/** Opens a console that echoes its input, and prints the size after every resize. */
export const openConsole = (): Console => {
  const bytes = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      for (const byte of chunk) this.push(echoed(byte));
      done();
    },
  });
  bytes.push('the test service echoes what is typed\r\n$ ');
  return { bytes, resize: ({ columns, rows }) => void bytes.push(`\r\n${columns}x${rows}\r\n$ `) };
};
