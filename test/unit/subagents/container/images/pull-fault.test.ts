import test from 'ava';
import { Refusal } from '../../../../../lib/rpc/protocol/refusal.js';
import { EngineError } from '../../../../../lib/subagents/container/errors.js';
import { pullFailure } from '../../../../../lib/subagents/container/images/pull-fault.js';

for (const [said, words] of [
  ['connection refused', 'registry localhost:5000 refuses connections: '],
  [
    'Get "http://localhost:5000/v2/": dial tcp 127.0.0.1:5000: connect: connection refused',
    'refuses connections',
  ],
  ['lookup registry.invalid on 192.0.2.53:53: no such host', 'registry localhost:5000 has no address: '],
  ['tls: failed to verify certificate: x509: certificate signed by unknown authority', 'does not trust'],
  ['http: server gave HTTP response to HTTPS client', 'does not use TLS'],
] as const)
  test(`words a failed pull, with its registry: ${said}`, (t) => {
    const { message } = pullFailure(
      'localhost:5000/x:1',
      new EngineError(500, said, undefined),
      '/auth.json',
    );
    t.true(
      message.startsWith('image localhost:5000/x:1 cannot be pulled: registry localhost:5000 '),
      message,
    );
    t.true(message.includes(words), message);
    t.true(message.endsWith(`(the engine says: ${said})`));
  });

test('keeps the engine’s words of any other failure, and the kind of a refusal', (t) => {
  t.is(
    pullFailure('a', new Error('no space left'), '/auth.json').message,
    'image a cannot be pulled: no space left',
  );
  const refusal = pullFailure('a', new Refusal('not_found', 'manifest unknown'), '/auth.json');
  t.true(refusal instanceof Refusal);
});
