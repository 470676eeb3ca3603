import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { seedMetadata } from '../../../lib/cli/seed-options.js';
import { tempDir } from '../../helpers/temp.js';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmFXkoA2o8Xqjs6YnBx0c7lTqy6kmfhvD4Yg0x0XJ0b me@laptop';

test('leaves metadata without user-data and keys alone', async (t) => {
  t.deepEqual(await seedMetadata({ metadata: { a: 'b' } }), { a: 'b' });
  t.is(await seedMetadata({}), undefined);
});

test('merges a key and the keys of a file into the user-data of a file', async (t) => {
  const dir = await tempDir(t);
  const [userData, keys] = [join(dir, 'web.yaml'), join(dir, 'id.pub')];
  await writeFile(userData, '#cloud-config\npackages: [curl]\n');
  await writeFile(keys, `# of the team\n${KEY}-2\n\n${KEY}-3\n`);
  const found = await seedMetadata({ userData, sshKey: [KEY, keys], metadata: { rack: 'r1' } });
  t.is(found?.rack, 'r1');
  t.deepEqual(parse(found?.['user-data'] ?? ''), {
    packages: ['curl'],
    ssh_authorized_keys: [KEY, `${KEY}-2`, `${KEY}-3`],
  });
});

test('merges a key into the user-data that the guest has, when none is given', async (t) => {
  const found = await seedMetadata({ sshKey: [KEY] }, async () => '#cloud-config\npackages: [curl]\n');
  t.deepEqual(parse(found?.['user-data'] ?? ''), { packages: ['curl'], ssh_authorized_keys: [KEY] });
});

test('rejects files that cannot be what they should, with the file and the line', async (t) => {
  const dir = await tempDir(t);
  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(dir, name), content);
    return join(dir, name);
  };
  const userData = await file('web.yaml', '#cloud-config\na: b: c\n');
  await t.throwsAsync(seedMetadata({ userData }), { message: /web\.yaml: line 2 is not valid YAML/ });
  await t.throwsAsync(seedMetadata({ userData: join(dir, 'none') }), {
    message: /cannot read the user-data/,
  });
  await t.throwsAsync(seedMetadata({ userData, metadata: { 'user-data': 'x' } }), { message: /given twice/ });
  for (const [content, message] of [
    ['-----BEGIN OPENSSH PRIVATE KEY-----\n', /is a private key/],
    ['# nothing\n', /has no public key/],
    [`${KEY}\nhello\n`, /key 2 is not a public key/],
  ] as const)
    await t.throwsAsync(seedMetadata({ sshKey: [await file('key', content)] }), { message });
});
