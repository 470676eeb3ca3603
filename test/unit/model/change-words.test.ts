import test from 'ava';
import { changeStateOf, describeChange, featuresOf } from '../../../lib/model/change-words.js';
import type { Guest } from '../../../lib/model/guest.js';

type Half = Pick<Guest, 'memory' | 'machine' | 'devices' | 'pending'>;

const NEXT = 'at its next start: shut it down and start it, or use reboot; restart is not enough';

const words = (before: Half, after: Half, change: Parameters<typeof featuresOf>[0]): string =>
  describeChange(changeStateOf(before), changeStateOf(after), featuresOf(change));

for (const [what, before, after, change, expected] of [
  [
    'a change at once',
    { machine: { firmware: 'bios' } },
    { machine: { firmware: 'uefi' }, devices: { watchdog: 'reset' } },
    { machine: { firmware: 'uefi' }, devices: { watchdog: 'reset' } },
    'the guest has UEFI and a watchdog (reset) now',
  ],
  [
    'size and hardware that wait',
    { memory: 64 },
    { memory: 64, pending: { memory: 128, devices: { video: 'none' } } },
    { memory: 128, devices: { video: 'none' } },
    `the guest gets 128 MB of memory and no graphics card ${NEXT}`,
  ],
  [
    'what was there already',
    { machine: { firmware: 'uefi', tpm: true } },
    { machine: { firmware: 'uefi', tpm: true } },
    { machine: { tpm: true } },
    'nothing changes: the guest has a TPM already',
  ],
  [
    'a change that is cancelled',
    { machine: { firmware: 'bios' }, pending: { machine: { firmware: 'uefi' } } },
    { machine: { firmware: 'bios' } },
    { machine: { firmware: 'bios' } },
    'the change that waited for the next start is cancelled: the guest keeps a BIOS',
  ],
  ['an empty change', {}, {}, { machine: {} }, 'nothing changes'],
  [
    'variables that are kept',
    { machine: { firmware: 'uefi' } },
    { machine: { firmware: 'uefi', secureBoot: true } },
    { machine: { secureBoot: true } },
    'the guest has Secure Boot now; it changes to UEFI variables with the keys of Secure Boot, and those that it had are kept for when Secure Boot is off again',
  ],
  [
    'a TPM and variables that are kept',
    { machine: { firmware: 'uefi', tpm: true } },
    { machine: { firmware: 'bios' } },
    { machine: { firmware: 'bios', tpm: false } },
    'the guest has a BIOS and no TPM now; its UEFI variables are kept for when it has UEFI again; the state of its TPM is kept for when it has a TPM again, until the guest is deleted',
  ],
  [
    'nothing of a change of another feature that waits',
    { memory: 64, machine: { tpm: true }, pending: { machine: { tpm: false } } },
    { memory: 128, machine: { tpm: true }, pending: { machine: { tpm: false } } },
    { memory: 128 },
    'the guest has 128 MB of memory now',
  ],
] as const satisfies readonly [string, Half, Half, Parameters<typeof featuresOf>[0], string][])
  test(`describes ${what}`, (t) => {
    t.is(words(before, after, change), expected);
  });
