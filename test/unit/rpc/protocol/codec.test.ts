import test from 'ava';
import { decodeCall, encodeCall, encodeError, encodeResult } from '../../../../lib/rpc/protocol/codec.js';

const IDS = ['0', '1', '9007199254740993', '9223372036854775807', '-5', '"a-string"', 'null', '1.5'];

for (const id of IDS) {
  test(`keeps the id ${id} digit for digit`, (t) => {
    t.is(decodeCall(`{"method":"A.B","params":[{}],"id":${id}}`).id, id);
    t.is(decodeCall(` { "id" : ${id} , "method" : "A.B" , "params" : [ {} ] } \n`).id, id);
  });
}

test('reads the id of the call, not one in its parameters', (t) => {
  const call = decodeCall('{"id":9223372036854775807,"method":"A.B","params":[{"id":1}]}');
  t.is(call.id, '9223372036854775807');
  t.deepEqual(call.params, { id: 1 });
});

test('reads a missing id as null', (t) => {
  t.is(decodeCall('{"method":"A.B","params":[{}]}').id, 'null');
});

const MALFORMED = {
  'not JSON': '{"method":',
  'a list': '[]',
  null: 'null',
  'a number': '5',
  'without a method': '{"params":[{}],"id":1}',
  'with a method that is not a string': '{"method":5,"params":[{}],"id":1}',
  'without parameters': '{"method":"A.B","id":1}',
  'with parameters by name': '{"method":"A.B","params":{},"id":1}',
  'with two parameters': '{"method":"A.B","params":[{},{}],"id":1}',
};

for (const [what, text] of Object.entries(MALFORMED)) {
  test(`rejects a call that is ${what}`, (t) => {
    t.throws(() => decodeCall(text));
  });
}

test('encodes calls, results and errors as JSON-RPC 1.0', (t) => {
  t.is(encodeCall('A.B', { x: 'ü' }, 7), '{"method":"A.B","params":[{"x":"ü"}],"id":7}');
  t.is(
    encodeResult({ x: 1 }, '9223372036854775807'),
    '{"result":{"x":1},"error":null,"id":9223372036854775807}',
  );
  t.is(encodeResult(undefined, '1'), '{"result":null,"error":null,"id":1}');
  t.is(
    encodeError(new Error('no "such" thing'), '1'),
    '{"result":null,"error":"no \\"such\\" thing","id":1}',
  );
});
