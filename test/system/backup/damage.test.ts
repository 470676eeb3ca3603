import { existsSync, readdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { restoreDisk } from '../../helpers/backup.js';
import { backedUp, failure, flip, largestPack } from '../../helpers/backup-faults.js';
import { needs } from '../../helpers/needs.js';
import { restic, resticCommand, snapshotsOf } from '../../helpers/restic.js';
import { until } from '../../helpers/wait.js';

const withRestic = needs('restic', 'qemu-nbd', 'qemu-img', 'qemu-io');
const ADVICE = /repair the repository by hand as docs\/backup\.md says in "Repair a damaged repository"/;
const WHOLE = 'the repository is known to be damaged';

for (const { title, damage, repair } of [
  {
    title: 'flipped bytes',
    damage: flip,
    repair: async (dir: string, pack: string) => {
      const { program, args, env } = await resticCommand(dir, 'check', '--read-data');
      const { all } = await execa(program, args, { env, reject: false, all: true });
      // The program names the pack in words of its own from one version to the next.
      if (!all.includes(basename(pack))) throw new Error(all);
      await rm(pack);
    },
  },
  { title: 'a deleted pack', damage: (pack: string) => rm(pack), repair: async () => {} },
])
  withRestic(
    `${title}: backups that cannot be read back are discarded, and the repair by hand makes the next one good`,
    async (t) => {
      const { backup, guest } = await backedUp(t);
      const { dir } = backup;
      const first = guest.since;
      const pack = await largestPack(dir);
      await damage(pack);
      await failure(t, backup.call('Verify', { backup: first }));

      t.regex((await failure(t, guest.backUp(backup))).message, ADVICE);
      await until('the discarded snapshot is removed', () => readdirSync(join(dir, 'runs')).length === 0);
      t.is((await snapshotsOf(dir)).length, 1);

      await repair(dir, pack);
      await restic(dir, 'rebuild-index');
      const { backup: second } = await guest.backUp(backup);
      t.is(second.whole, WHOLE);
      t.true(second.verified?.ok);
      t.is(await (await restoreDisk(t, backup, second)).content(), await guest.disk.content());

      await backup.call('Delete', { backup: first });
      await backup.call('Prune', {});
      t.false(existsSync(join(dir, 'damage.json')));
      await guest.disk.fill([5], 9);
      const { backup: third } = await guest.backUp(backup);
      t.is(third.whole, undefined);
      t.true((await backup.call('Verify', { backup: third.id })).backup.verified?.ok);
    },
  );

withRestic('a restore that finds damage marks the backup, and the next backup is read back', async (t) => {
  const { backup, guest } = await backedUp(t);
  await flip(await largestPack(backup.dir));
  const [first] = (await backup.call('List', {})).backups;
  if (!first) throw new Error('no backup');
  await t.throwsAsync(restoreDisk(t, backup, first), { message: /damaged/ });
  t.regex((await backup.call('List', {})).backups[0]?.problem ?? '', /damaged/);
  t.regex((await failure(t, guest.backUp(backup))).message, ADVICE);
});

withRestic('a damaged backup that verifies again ends the reading back', async (t) => {
  const { backup, guest } = await backedUp(t);
  const first = guest.since;
  const pack = await largestPack(backup.dir);
  const away = join(backup.dir, 'away');
  await rename(pack, away);
  await failure(t, backup.call('Verify', { backup: first }));
  await rename(away, pack);
  t.is((await guest.backUp(backup)).backup.whole, WHOLE);
  t.true((await backup.call('Verify', { backup: first })).backup.verified?.ok);
  t.is((await guest.backUp(backup)).backup.whole, undefined);
});

withRestic('prune says how to repair a repository that has lost a pack', async (t) => {
  const { backup, guest } = await backedUp(t);
  await rm(await largestPack(backup.dir));
  t.regex((await failure(t, backup.call('Prune', {}))).message, ADVICE);
  t.regex((await failure(t, guest.backUp(backup))).message, ADVICE);
});
