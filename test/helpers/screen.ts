import { Duplex } from 'node:stream';

const VERSION = 'RFB 003.008\n';
const NO_SECURITY = Buffer.of(1, 1);
const KEY_EVENT = 4;
/** The bytes of each message of a client, by its type: RFC 6143, 7.5. */
const LENGTHS: Record<number, (bytes: Buffer) => number> = {
  0: () => 20,
  2: (bytes) => 4 + 4 * bytes.readUInt16BE(2),
  3: () => 10,
  [KEY_EVENT]: () => 8,
  5: () => 6,
};

/** 16 by 16 pixels of 32 bits, and no name: RFC 6143, 7.3.2. */
const serverInit = (): Buffer => {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt16BE(16, 0);
  bytes.writeUInt16BE(16, 2);
  bytes.set([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0], 4);
  return bytes;
};

/** A VNC server without a password and with a blank screen. It notes the keysyms of the keys that are pressed. */
export const blankScreen = (pressed: number[]): Duplex => {
  const steps: [number, Buffer][] = [
    [VERSION.length, NO_SECURITY],
    [1, Buffer.alloc(4)],
    [1, serverInit()],
  ];
  let received = Buffer.alloc(0);
  /** @returns whether a whole message was there */
  const handle = (): boolean => {
    const [step] = steps;
    const type = received[0] ?? 0;
    if (received.length < (step?.[0] ?? 4)) return false;
    const length = step?.[0] ?? LENGTHS[type]?.(received) ?? received.length;
    if (received.length < length) return false;
    if (step) {
      steps.shift();
      stream.push(step[1]);
    } else if (type === KEY_EVENT && received[1] === 1) pressed.push(received.readUInt32BE(4));
    received = received.subarray(length);
    return true;
  };
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      received = Buffer.concat([received, chunk]);
      while (handle());
      done();
    },
  });
  stream.push(VERSION);
  return stream;
};
