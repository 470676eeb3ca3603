import {
  AUTOSTART_POLICIES,
  type Autostart,
  autostartSchema,
  RESTART_POLICIES,
  type Restart,
  restartSchema,
} from '../model/coming-back.js';
import { describeMistakes } from '../model/describe-mistakes.js';
import { invalidValue } from './failure.js';

type Settings = Readonly<Record<string, string>>;

/** Reads `POLICY,KEY=NUMBER,…`; `names` has the field for each key. */
const parse = (
  text: string,
  policies: readonly string[],
  names: Settings,
): Record<string, string | number> => {
  const [policy = '', ...settings] = text.split(',');
  if (!policies.includes(policy)) throw invalidValue(`begin with a policy: ${policies.join(', ')}`);
  const parsed: Record<string, string | number> = { policy };
  for (const setting of settings) {
    const [key = '', value = ''] = setting.split('=', 2);
    const name = names[key];
    if (name === undefined)
      throw invalidValue(`"${key}" is not a setting: choose from ${Object.keys(names).join('=, ')}=`);
    if (!/^\d+(\.\d+)?$/.test(value)) throw invalidValue(`${key}: give a number`);
    parsed[name] = Number(value);
  }
  return parsed;
};

/** Parses when a guest starts after a boot of the host: `last,order=10,delay=30`. */
export const parseAutostart = (text: string): Autostart => {
  const parsed = parse(text, AUTOSTART_POLICIES, {
    order: 'order',
    delay: 'delay',
    'shutdown-timeout': 'shutdownTimeout',
  });
  const { value, error } = autostartSchema.validate(parsed);
  if (error) throw invalidValue(describeMistakes(error));
  return value;
};

/** Parses whether a guest starts again after a failure: `on-failure,retries=5,window=600`. */
export const parseRestart = (text: string): Restart => {
  const parsed = parse(text, RESTART_POLICIES, { retries: 'maxRetries', window: 'window' });
  const { value, error } = restartSchema.validate(parsed);
  if (error) throw invalidValue(describeMistakes(error));
  return value;
};
