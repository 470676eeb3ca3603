import test from 'ava';
import { loadConfig } from '../../../lib/config/load.js';
import { problemsOf, writeConfigs } from '../../helpers/config-files.js';

const rejected: [title: string, text: string, problem: string][] = [
  ['an empty file', '', '1:1: JSON value expected but reached end of input'],
  ['a comma after the last key', '{\n  "dbpath": "/srv",\n}', "3:1: Quoted object key expected but got '}'"],
  ['a missing comma', '{\n "a": 1\n "b": 2}', `3:2: Comma ',' expected after value but got '"'`],
  ['a key without quotes', '{dbpath: "/srv"}', "1:2: Quoted object key expected but got 'd'"],
  ['a comment', '{}\n// state', "2:1: Expected end of input but got '/'"],
  ['a second object', '{}{}', "1:3: Expected end of input but got '{'"],
  ['a line break in a string', '{"dbpath": "/srv\n"}', "1:17: Invalid character '\\n'"],
  ['an unclosed object', '{\r\n  "services": {', "2:16: Quoted object key or end of object '}' expected"],
  ['a mistake after a duplicate key', '{"a": 1, "a": 2, }', '1:18: Quoted object key expected'],
];

for (const [title, text, problem] of rejected)
  test(`rejects JSON with ${title}, naming line and column`, async (t) => {
    const [first = '', ...others] = await problemsOf(t, { 'a.json': text });
    t.true(first.startsWith(`a.json:${problem}`), first);
    t.deepEqual(others, []);
  });

test('rejects malformed YAML, naming line and column', async (t) => {
  t.deepEqual(await problemsOf(t, { 'a.yml': 'dbpath: /srv\nservices: ]\n' }), [
    'a.yml:2:11: Unexpected flow-seq-end token in YAML stream: "]"',
  ]);
});

test('rejects a YAML file of several documents', async (t) => {
  const [problem = ''] = await problemsOf(t, { 'a.yaml': 'dbpath: /a\n---\ndbpath: /b\n' });
  t.regex(problem, /^a\.yaml:2:1: .*multiple documents/);
});

test('rejects a key that occurs twice in a JSON file, whether its values differ or not', async (t) => {
  const text = `{
\t"services": { "storage": {"port": 1}, "storage": {"port": 2} },
\t"actions": {
\t\t"start": {"stages": []}, "start": {"stages": []},
\t\t"create": {"stages": [{"service": "storage", "method": "A.B"}, {"service": "storage", "method": "C.D", "method": "E.F"}]}
\t},
\t"dbpath": "/a", "\\u0064bpath": "/b", "dbpath": "/c"
}`;
  t.deepEqual((await problemsOf(t, { 'a.json': text })).sort(), [
    'a.json: actions.create.stages[1].method: defined twice in this file',
    'a.json: actions.start: defined twice in this file',
    'a.json: dbpath: defined twice in this file',
    'a.json: services.storage: defined twice in this file',
  ]);
});

test('rejects a key that occurs twice in a YAML file', async (t) => {
  t.deepEqual(await problemsOf(t, { 'a.yml': 'dbpath: /a\ndbpath: /b\n' }), [
    'a.yml: dbpath: defined twice in this file',
  ]);
});

test('loads YAML with comments', async (t) => {
  const dir = await writeConfigs(t, {
    'a.yaml': '# where the state is\ndbpath: /srv/mistify # here\nservices: {s: {port: 1}}\n',
  });
  const { dbpath, services } = await loadConfig([dir]);
  t.is(dbpath, '/srv/mistify');
  t.is(services.size, 1);
});
