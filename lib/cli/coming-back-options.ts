import { AUTOSTART_POLICIES, type Autostart, RESTART_POLICIES, type Restart } from '../model/coming-back.js';
import { invalidValue } from './failure.js';

/** Reads `POLICY,KEY=NUMBER,…`; `names` has the field for each key. */
const parse = <Policy extends string, Name extends string>(
  text: string,
  policies: readonly Policy[],
  names: Readonly<Record<string, Name>>,
): { policy: Policy } & Partial<Record<Name, number>> => {
  const [first, ...settings] = text.split(',');
  const policy = policies.find((known) => known === first);
  if (policy === undefined) throw invalidValue(`begin with a policy: ${policies.join(', ')}`);
  const numbers: Partial<Record<Name, number>> = {};
  for (const setting of settings) {
    const [key = '', value = ''] = setting.split('=', 2);
    const name = names[key];
    if (name === undefined)
      throw invalidValue(`"${key}" is not a setting: choose from ${Object.keys(names).join('=, ')}=`);
    if (!/^\d+(\.\d+)?$/.test(value)) throw invalidValue(`${key}: give a number`);
    numbers[name] = Number(value);
  }
  return { policy, ...numbers };
};

/** Parses when a guest starts after a boot of the host: `last,order=10,delay=30`. The agent checks the numbers. */
export const parseAutostart = (text: string): Autostart =>
  parse(text, AUTOSTART_POLICIES, {
    order: 'order',
    delay: 'delay',
    'shutdown-timeout': 'shutdownTimeout',
  });

/** Parses whether a guest starts again after a failure: `on-failure,retries=5,window=600`. The agent checks the numbers. */
export const parseRestart = (text: string): Restart =>
  parse(text, RESTART_POLICIES, { retries: 'maxRetries', window: 'window' });
