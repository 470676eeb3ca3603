import test from 'ava';
import { textFor } from '../../../lib/model/redact-request.js';

const ID = '6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80';

test('a text about a change names the secrets of the guest and of the change, also when the change removes one', (t) => {
  const guest = { id: ID, container: { secretEnv: { OLD: 'old-secret' } } };
  const request = { guest, change: { container: { secretEnv: { OLD: null, NEW: 'new-secret' } } } };
  t.is(
    textFor(request, 'old-secret became new-secret'),
    '[container.secretEnv.OLD] became [container.secretEnv.NEW]',
  );
  t.is(textFor({ guest, change: { container: { secretEnv: null } } }, 'made anew'), 'made anew');
});
