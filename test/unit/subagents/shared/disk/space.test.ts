import { statfs } from 'node:fs/promises';
import test from 'ava';
import { Space } from '../../../../../lib/subagents/shared/disk/space.js';
import { tempDir } from '../../../../helpers/temp.js';

test('accepts a claim that fits, and rejects a larger one with the numbers', async (t) => {
  const dir = await tempDir(t);
  const claim = new Space(dir).claim();
  await t.notThrowsAsync(claim.require(1));
  await t.throwsAsync(claim.require(2 ** 60), {
    message:
      /^no space left on the device of .*: needs 1099511627776 MB, .* has \d+ MB free, with \d+ MB kept in reserve: make room there, then try again$/,
  });
});

test('reserves the room of a claim until it is released', async (t) => {
  const dir = await tempDir(t);
  const { bavail, bsize } = await statfs(dir);
  const space = new Space(dir);
  const [first, second] = [space.claim(), space.claim()];
  await first.require(Math.floor(bavail * bsize * 0.6));
  await t.throwsAsync(second.require(Math.floor(bavail * bsize * 0.6)), {
    message: /promised to others/,
  });
  second.release();
  first.release();
  await t.notThrowsAsync(second.require(Math.floor(bavail * bsize * 0.6)));
});

test('says whether a claim would fit beside the others, without making it', async (t) => {
  const dir = await tempDir(t);
  const { bavail, bsize } = await statfs(dir);
  const most = Math.floor(bavail * bsize * 0.6);
  const space = new Space(dir);
  const [first, second] = [space.claim(), space.claim()];
  t.true(await first.fits(most));
  await second.require(most);
  t.false(await first.fits(most));
  t.true(await first.fits(1));
});

test('keeps a reserve', async (t) => {
  const dir = await tempDir(t);
  const { bavail, bsize } = await statfs(dir);
  await t.throwsAsync(new Space(dir).claim().require(bavail * bsize - 1), { message: /in reserve/ });
});
