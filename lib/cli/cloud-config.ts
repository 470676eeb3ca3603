import * as yaml from 'yaml';
import { addToList, cloudConfigMistake, HEADER, isCloudConfig } from '../portable/cloud-config.js';
import { usageFailure } from './failure.js';

const KEYS = 'ssh_authorized_keys';

/**
 * Checks user-data, if it is a cloud-config.
 * @param title how to call it in a message
 * @throws {Failure} that names the line of the mistake
 */
export const requireValid = (text: string, title: string): void => {
  const mistake = cloudConfigMistake(yaml, text);
  if (mistake !== undefined) throw usageFailure(`${title}: ${mistake}`, 'Nothing was sent.');
};

/**
 * Adds SSH keys to a cloud-config; the rest of the text stays as it is, byte by byte.
 * @param text `""` for a new one
 * @param title how to call it in a message
 * @throws {Failure} when the text is no cloud-config, or its keys have a form to which nothing can be added
 */
export const withAuthorizedKeys = (text: string, keys: readonly string[], title: string): string => {
  if (text.trim() !== '' && !isCloudConfig(text))
    throw usageFailure(
      `an SSH key can be added only to a ${HEADER}, and ${title} begins with another line`,
      'Let it add the key itself, or leave out --ssh-key.',
    );
  const items = keys.map((key) => JSON.stringify(key));
  try {
    return addToList(yaml, text, KEYS, items);
  } catch {
    throw usageFailure(
      `the SSH key cannot be added to ${title}: write it into "${KEYS}" there`,
      'Example: ssh_authorized_keys: [ssh-ed25519 AAAA…]',
    );
  }
};
