import { randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';

/** Makes up a bridge name that no other test uses. */
export const bridgeName = (): string => `mqt${randomBytes(4).toString('hex')}`;

/** Creates a Linux bridge and removes it when the test ends. */
export const makeBridge = async (t: ExecutionContext, ...addresses: string[]): Promise<string> => {
  const bridge = bridgeName();
  await execa('ip', ['link', 'add', bridge, 'type', 'bridge']);
  t.teardown(() => execa('ip', ['link', 'delete', bridge]));
  for (const address of addresses) await execa('ip', ['address', 'add', address, 'dev', bridge]);
  await execa('ip', ['link', 'set', bridge, 'up']);
  return bridge;
};
