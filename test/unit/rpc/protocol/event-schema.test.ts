import test from 'ava';
import { subAgentEventSchema } from '../../../../lib/rpc/protocol/messages.js';

const GUEST = { id: 'a', state: 'running', vnc: 5901, revision: 17 };

const EVENTS: Record<string, object> = {
  'all guests': { guests: [GUEST, { ...GUEST, id: 'b', vnc: 0 }] },
  'no guests': { guests: [] },
  'a change': { guest: GUEST },
  'a removal': { removed: 'a' },
  'progress without words': { progress: { job: 'j', message: '' } },
  'progress with a percentage': { progress: { job: 'j', message: 'half', percent: 50.5 } },
  'a sign of life': {},
  'what a later version may tell': { weather: 'fine' },
};

for (const [what, event] of Object.entries(EVENTS))
  test(`an event is taken as it is: ${what}`, (t) => {
    t.deepEqual(subAgentEventSchema.validate(event), { value: event });
  });

test('a guest without a VNC port has none', (t) => {
  const { vnc: _, ...guest } = GUEST;
  t.deepEqual(subAgentEventSchema.validate({ guest }), { value: { guest: { ...guest, vnc: 0 } } });
});

const WRONG: Record<string, unknown> = {
  'a list': [],
  null: null,
  'a state that is no string': { guest: { ...GUEST, state: { a: 1 } } },
  'an endless state': { guest: { ...GUEST, state: 'x'.repeat(65) } },
  'no state': { guest: { id: 'a', revision: 1 } },
  'a port that is a string': { guest: { ...GUEST, vnc: '5901' } },
  'a port that is none': { guest: { ...GUEST, vnc: 65_536 } },
  'a revision past what a number holds': { guest: { ...GUEST, revision: 1e300 } },
  'a revision between two': { guest: { ...GUEST, revision: 1.5 } },
  'no revision': { guest: { id: 'a', state: 'running' } },
  'one bad guest among all': { guests: [GUEST, { ...GUEST, id: 5 }] },
  'guests that are no list': { guests: {} },
  'a removal of nothing': { removed: null },
  'progress in no words': { progress: { job: 'j', message: 5 } },
  'progress past its end': { progress: { job: 'j', message: '', percent: 101 } },
  'a percentage in words': { progress: { job: 'j', message: '', percent: '50' } },
  'endless progress': { progress: { job: 'j', message: 'x'.repeat(5000) } },
};

for (const [what, event] of Object.entries(WRONG))
  test(`no event: ${what}`, (t) => {
    t.truthy(subAgentEventSchema.validate(event).error);
  });
