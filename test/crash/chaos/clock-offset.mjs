// Preloaded into the agent and its sub-agents (NODE_OPTIONS=--import). Adds the milliseconds in the file
// MISTIFY_CLOCK_OFFSET to the time of day, as if somebody had set the host's clock. Timers are unaffected, as they are then.
import { readFileSync, watchFile } from 'node:fs';

const file = process.env.MISTIFY_CLOCK_OFFSET;
const RealDate = Date;
let offset = 0;

const read = () => {
  try {
    offset = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    offset = 0;
  }
};

class OffsetDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + offset);
    else super(...args);
  }

  static now() {
    return RealDate.now() + offset;
  }
}

Object.defineProperty(OffsetDate, 'name', { value: 'Date' });
globalThis.Date = OffsetDate;

read();
watchFile(file, { interval: 500, persistent: false }, read);
