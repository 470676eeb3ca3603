import { connect } from 'node:net';
import { join } from 'node:path';
import type { RealAgent } from './real-agent.js';

/** Types a line on a guest's serial console. */
export const typeLine = ({ runDir }: RealAgent, id: string, line: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(join(runDir(id), 'serial.sock'), () => socket.end(`${line}\n`));
    socket
      .resume()
      .once('close', () => resolve())
      .once('error', reject);
  });
