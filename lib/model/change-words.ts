import type { Devices } from './devices.js';
import { enumerate } from './enumerate.js';
import { type GuestSize, SIZE_KEYS, type SizeChange, sizeOf } from './guest-size.js';
import { type MachineOptions, type OptionsChange, optionsOf } from './hardware-options.js';
import type { Pending } from './pending.js';
import { counted } from './units.js';

/** What a change can change of a guest, in one object. */
interface Features extends Required<GuestSize>, MachineOptions, Devices {}

type Feature = keyof Features;

type Values = { [Key in Feature]?: Features[Key] | null | undefined };

/** A guest before or after a change. */
export interface ChangeState {
  has: Values;
  /** What it gets at its next start. */
  pending: Values;
}

export const changeStateOf = (
  guest: SizeChange & OptionsChange & { pending?: Pending | null },
): ChangeState => {
  const { machine, devices, ...size } = guest.pending ?? {};
  const options = optionsOf(guest);
  return {
    has: { ...sizeOf(guest), ...options.machine, ...options.devices },
    pending: { ...size, ...machine, ...devices },
  };
};

const megabytes = (mb: number | null | undefined): string => (mb ? `${mb} MB` : 'none');

const withOrWithout =
  (thing: string, article = '') =>
  (value: boolean | null | undefined): string =>
    value ? `${article}${thing}` : `no ${thing}`;

const WORDS: { [Key in Feature]: (value: Values[Key]) => string } = {
  memory: (value) => `${megabytes(value)} of memory`,
  cpu: (value) => counted(value ?? 0, 'vCPU'),
  maxMemory: (value) => `${megabytes(value)} as maxMemory`,
  maxCpu: (value) => `${value ? counted(value, 'vCPU') : 'none'} as maxCpu`,
  firmware: (value) => (value === 'uefi' ? 'UEFI' : 'a BIOS'),
  secureBoot: withOrWithout('Secure Boot'),
  tpm: withOrWithout('TPM', 'a '),
  networkBoot: withOrWithout('network boot'),
  tablet: withOrWithout('tablet', 'a '),
  video: (value) => (value === 'none' ? 'no graphics card' : `graphics card ${value}`),
  watchdog: (value) => (value === 'none' ? 'no watchdog' : `a watchdog (${value})`),
  vmgenid: withOrWithout('generation ID', 'a '),
};

const wordOf = <Key extends Feature>(key: Key, value: Values[Key]): string => WORDS[key](value);

const isFeature = (key: string): key is Feature => key in WORDS;

/** Lists what to say about a change: all of the size when it changes some of it, and of the hardware what it names. */
export const featuresOf = ({ machine, devices, ...others }: SizeChange & OptionsChange): Feature[] => [
  ...(SIZE_KEYS.some((key) => key in others) ? SIZE_KEYS : []),
  ...Object.keys({ ...machine, ...devices }).filter(isFeature),
];

const describe = (keys: readonly Feature[], values: Values): string =>
  enumerate(keys.map((key) => wordOf(key, values[key])));

/** Says in words what of its hardware a guest gets at its next start; `undefined` when nothing of that waits. */
export const waitingHardware = ({ pending }: { pending?: Pending | null }): string | undefined => {
  const { machine, devices } = pending ?? {};
  const values: Values = { ...machine, ...devices };
  return describe(Object.keys(values).filter(isFeature), values) || undefined;
};

/** The verbs for a change that was made. */
const MADE = {
  has: 'has',
  now: 'now',
  gets: 'gets',
  changes: 'changes',
  are: 'are',
  is: 'is',
  keeps: 'keeps',
  nothing: 'nothing changes',
};

/** The verbs for a change that a dry run only checked. */
const CHECKED: typeof MADE = {
  has: 'would have',
  now: 'at once',
  gets: 'would get',
  changes: 'would change',
  are: 'would be',
  is: 'would be',
  keeps: 'would keep',
  nothing: 'nothing would change',
};

/** Says what becomes of the data of firmware and TPM that a change replaces. */
const keptData = (had: Values, gets: Values, { changes, are, is }: typeof MADE): string[] => {
  const isUefi = had.firmware === 'uefi' && gets.firmware === 'uefi';
  const [to, back] = gets.secureBoot ? ['with', 'off'] : ['without', 'on'];
  return [
    ...(isUefi && had.secureBoot !== gets.secureBoot
      ? [
          `it ${changes} to UEFI variables ${to} the keys of Secure Boot, and those that it had ${are} kept for when Secure Boot is ${back} again`,
        ]
      : []),
    ...(had.firmware === 'uefi' && !isUefi
      ? [`its UEFI variables ${are} kept for when it has UEFI again`]
      : []),
    ...(had.tpm && !gets.tpm
      ? [`the state of its TPM ${is} kept for when it has a TPM again, until the guest is deleted`]
      : []),
  ];
};

/** What a guest has after its next start, as far as the features are concerned. */
const outcome = ({ has, pending }: ChangeState, features: readonly Feature[]): Values => ({
  ...has,
  ...Object.fromEntries(features.flatMap((key) => (key in pending ? [[key, pending[key]]] : []))),
});

const NEXT_START = 'at its next start: shut it down and start it, or use reboot; restart is not enough';

/**
 * Says in words what a change of a guest has changed, what waits for its next start, or that nothing changes.
 * @param features what to say something about
 * @param isDryRun whether to say what the change would do
 */
export const describeChange = (
  before: ChangeState,
  after: ChangeState,
  features: readonly Feature[],
  isDryRun = false,
): string => {
  const verbs = isDryRun ? CHECKED : MADE;
  const { has, now, gets, is, keeps, nothing } = verbs;
  const changed = features.filter((key) => before.has[key] !== after.has[key]);
  const waiting = features.filter((key) => key in after.pending);
  const subject = changed.length > 0 ? 'it' : 'the guest';
  const parts = [
    ...(changed.length > 0 ? [`the guest ${has} ${describe(changed, after.has)} ${now}`] : []),
    ...(waiting.length > 0 ? [`${subject} ${gets} ${describe(waiting, after.pending)} ${NEXT_START}`] : []),
  ];
  if (parts.length > 0)
    return [...parts, ...keptData(before.has, outcome(after, features), verbs)].join('; ');
  const present = features.filter((key) => after.has[key] !== undefined);
  if (present.length === 0) return nothing;
  const kept = describe(present, after.has);
  return features.some((key) => key in before.pending)
    ? `the change that waited for the next start ${is} cancelled: the guest ${keeps} ${kept}`
    : `${nothing}: the guest has ${kept} already`;
};
