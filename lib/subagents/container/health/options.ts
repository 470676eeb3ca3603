import type { ContainerCreateOptions } from 'dockerode';
import { quote } from 'shlex';
import type { ContainerSpec } from '../../../model/container/spec.js';
import { wordsIn } from '../command.js';
import type { EngineKind } from '../engine.js';

const NS_PER_SECOND = 1e9;
/** What engines take for an interval or a timeout that is not named. */
export const DEFAULT_SECONDS = 30;
export const DEFAULT_RETRIES = 3;

/** Podman's Docker API splits words again at their blanks, so such words need a shell. */
const testOf = (words: readonly string[], engine: EngineKind): string[] => {
  if (words.length === 0) return ['NONE'];
  const needsShell = engine === 'podman' && words.some((word) => /\s|^$/.test(word));
  return needsShell ? ['CMD-SHELL', words.map(quote).join(' ')] : ['CMD', ...words];
};

/**
 * Returns the health check of a container: `Healthcheck` of `ContainerCreate` of the Docker Engine API. Every number is
 * spelled out, because Podman takes a missing one for 0.
 * @throws {Refusal} `invalid` for a line whose words are uncertain
 */
export const healthOptions = (
  { health }: ContainerSpec,
  engine: EngineKind,
): Pick<ContainerCreateOptions, 'Healthcheck'> => {
  if (health === undefined) return {};
  const { command, interval = DEFAULT_SECONDS, timeout = DEFAULT_SECONDS } = health;
  const { retries = DEFAULT_RETRIES, startPeriod = 0 } = health;
  return {
    Healthcheck: {
      Test: testOf(wordsIn('health.command', command), engine),
      Interval: interval * NS_PER_SECOND,
      Timeout: timeout * NS_PER_SECOND,
      Retries: retries,
      StartPeriod: startPeriod * NS_PER_SECOND,
    },
  };
};
