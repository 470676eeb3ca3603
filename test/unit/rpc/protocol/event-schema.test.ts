import test from 'ava';
import { subAgentEventSchema } from '../../../../lib/rpc/protocol/sub-agent-events.js';

const GUEST = { id: 'a', state: 'running', vnc: 5901, revision: 17 };

const EVENTS: Record<string, object> = {
  'all guests': { guests: [GUEST, { ...GUEST, id: 'b', vnc: 0 }] },
  'no guests': { guests: [] },
  'a change': { guest: GUEST },
  'a removal': { removed: 'a' },
  'progress without words': { progress: { job: 'j', message: '' } },
  'progress with a percentage': { progress: { job: 'j', message: 'half', percent: 50.5 } },
  'a heartbeat': {},
  'a key of a later version': { weather: 'fine' },
};

for (const [what, event] of Object.entries(EVENTS))
  test(`accepts an event unchanged: ${what}`, (t) => {
    t.deepEqual(subAgentEventSchema.validate(event), { value: event });
  });

test('defaults the VNC port of a guest to 0', (t) => {
  const { vnc: _, ...guest } = GUEST;
  t.deepEqual(subAgentEventSchema.validate({ guest }), { value: { guest: { ...guest, vnc: 0 } } });
});

const WRONG: Record<string, unknown> = {
  'a list': [],
  null: null,
  'a state that is not a string': { guest: { ...GUEST, state: { a: 1 } } },
  'an endless state': { guest: { ...GUEST, state: 'x'.repeat(65) } },
  'no state': { guest: { id: 'a', revision: 1 } },
  'a port that is a string': { guest: { ...GUEST, vnc: '5901' } },
  'a port out of range': { guest: { ...GUEST, vnc: 65_536 } },
  'a revision beyond the safe integers': { guest: { ...GUEST, revision: 1e300 } },
  'a fractional revision': { guest: { ...GUEST, revision: 1.5 } },
  'no revision': { guest: { id: 'a', state: 'running' } },
  'one bad guest among good ones': { guests: [GUEST, { ...GUEST, id: 5 }] },
  'guests that are not a list': { guests: {} },
  'a removal without an id': { removed: null },
  'progress without a string': { progress: { job: 'j', message: 5 } },
  'progress past its end': { progress: { job: 'j', message: '', percent: 101 } },
  'a percentage in words': { progress: { job: 'j', message: '', percent: '50' } },
  'endless progress': { progress: { job: 'j', message: 'x'.repeat(5000) } },
};

for (const [what, event] of Object.entries(WRONG))
  test(`rejects an event: ${what}`, (t) => {
    t.truthy(subAgentEventSchema.validate(event).error);
  });
