import test from 'ava';
import { describeUpgrade } from '../../../lib/model/machine-change.js';

const OLD = { type: 'pc-q35-6.2', layout: 1 };
const NEW = { type: 'pc-q35-9.2', layout: 2 };

test('names each thing that an upgrade changes, and when', (t) => {
  t.is(
    describeUpgrade({ cpuModel: 'max', machine: OLD }, { cpuModel: 'Nehalem', machine: NEW }),
    'the guest gets machine type pc-q35-9.2 instead of pc-q35-6.2, layout 2 instead of 1 and CPU model Nehalem instead of max',
  );
  const next = { ...OLD, cpuModel: 'Nehalem' };
  t.is(
    describeUpgrade({ cpuModel: 'max', machine: OLD }, { cpuModel: 'max', machine: { ...OLD, next } }),
    'the guest gets CPU model Nehalem instead of max at its next start: shut it down and start it, or use reboot; restart is not enough',
  );
});

test('says that an upgrade changes nothing, or cancels an earlier one', (t) => {
  const now = { cpuModel: 'max', machine: OLD };
  t.is(
    describeUpgrade(now, now),
    'nothing changes: the guest has machine type pc-q35-6.2, layout 1 and CPU model max already',
  );
  const waiting = { cpuModel: 'max', machine: { ...OLD, next: { ...NEW, cpuModel: 'max' } } };
  t.regex(describeUpgrade(waiting, now), /is cancelled: the guest keeps machine type pc-q35-6\.2, layout 1/);
});
