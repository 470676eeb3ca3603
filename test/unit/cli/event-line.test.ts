import test from 'ava';
import { coloursFor } from '../../../lib/cli/colours.js';
import { eventLine } from '../../../lib/cli/event-line.js';

const plain = coloursFor({ isTTY: false } as typeof process.stdout);
const line = (event: string, data: unknown): string => eventLine({ id: '1', event, data }, plain);

test('a job is told with its action, its guest, its status and how far it is', (t) => {
  const job = { Action: 'fetchImage', GuestID: 'agent', Status: 'Running', Message: '12 of 48 MB, 25%' };
  t.is(
    line('job', { kind: 'job', change: 'changed', id: 'j', percent: 25, job }),
    'job changed j fetchImage agent Running 25% 12 of 48 MB, 25%',
  );
});

test('a sub-agent that is gone is told with the reason', (t) => {
  t.is(
    line('service', { change: 'down', id: 'qemu', reason: 'the stream ended' }),
    'service down qemu the stream ended',
  );
});

test('that some were missed is told with the place', (t) => {
  t.is(line('missed', { after: 1, before: 9 }), 'missed after=1 before=9');
});
