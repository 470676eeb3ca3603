import { resticOutput } from './command.js';
import { kindOfResticError } from './failure.js';
import type { ResticSettings } from './settings.js';

/**
 * Reads the id of the repository.
 * @returns `undefined` when there is no repository and none is required
 */
export const readRepositoryId = async (
  settings: ResticSettings,
  signal: AbortSignal,
  isRequired: boolean,
): Promise<string | undefined> => {
  try {
    const output = await resticOutput(settings, ['cat', 'config', '--no-lock'], { signal });
    return (JSON.parse(output) as { id: string }).id;
  } catch (error) {
    if (!isRequired && kindOfResticError(error) === 'no_repository') return undefined;
    throw error;
  }
};
