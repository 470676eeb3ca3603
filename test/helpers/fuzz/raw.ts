import { connect } from 'node:net';
import type { Random } from '../random.js';

const PIECES = [
  'GET /guests HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /metadata HTTP/1.0\r\n\r\n',
  'POST /guests HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{"memory":64}',
  'POST /guests HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
  'POST /guests HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}',
  'POST /guests HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n',
  'PATCH /metadata HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}',
  'POST /guests HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n',
  'GET /guests HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET http://other.example/guests HTTP/1.1\r\nHost: x\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
];

/** Joins some pieces, flips bytes and cuts off the end. */
export const bytesFor = (random: Random): Buffer => {
  const text = Array.from({ length: 1 + random.below(4) }, () => random.pick(PIECES)).join('');
  const bytes = Buffer.from(text, 'latin1');
  for (let flips = random.below(4); flips > 0; flips -= 1)
    bytes[random.below(bytes.length)] = random.below(256);
  return random.chance(0.4) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
};

/** Sends bytes in two parts, half-closes, and returns the response up to the server's close or the time limit. */
export const exchange = (port: number, bytes: Buffer, at: number, ms: number): Promise<string> =>
  new Promise((resolve) => {
    let response = '';
    const socket = connect(port, '127.0.0.1');
    const timer = setTimeout(() => socket.destroy(), ms);
    socket.setEncoding('latin1');
    socket.on('data', (data) => (response += data));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(response);
    });
    socket.write(bytes.subarray(0, at));
    setImmediate(() => socket.end(bytes.subarray(at)));
  });
