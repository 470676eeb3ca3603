import type { EngineKind } from '../../../lib/subagents/container/engine.js';
import { needs, needsInTurn } from '../needs.js';
import { TestDocker } from './docker.js';
import type { TestEngine } from './engine.js';
import { TestPodman } from './podman.js';

interface Choice {
  start: () => Promise<TestEngine>;
  /** The programs that it needs. */
  programs: readonly string[];
}

const CHOICES: Record<EngineKind, Choice> = {
  docker: { start: () => TestDocker.start(), programs: ['dockerd', 'docker'] },
  podman: { start: () => TestPodman.start(), programs: ['podman'] },
};

const isKind = (name: string): name is EngineKind => name in CHOICES;

const chosenKind = (): EngineKind => {
  const name = process.env.MISTIFY_TEST_ENGINE || 'podman';
  if (isKind(name)) return name;
  throw new Error(`MISTIFY_TEST_ENGINE must be ${Object.keys(CHOICES).join(' or ')}, got "${name}"`);
};

/** The engine of this run: `MISTIFY_TEST_ENGINE`, and Podman by default. */
const { start, programs } = CHOICES[chosenKind()];

/** Starts an engine with the image `IMAGE`. */
export const startEngine = start;

/** Registers tests that need a real engine, and perhaps other programs. */
export const needsEngineAnd = (...parts: string[]) => needs(...programs, ...parts, 'runc', 'busybox', 'root');

export const needsEngine = needsEngineAnd();

/** As `needsEngine`, for tests that need more programs. */
export const needsEngineWith = (...more: string[]) => needs(...programs, 'runc', 'busybox', 'root', ...more);

/**
 * As `needsEngine`, one test at a time: for tests that start many processes, and because Podman's listing can fail while
 * another process adds or removes an image.
 */
export const needsEngineInTurn = needsInTurn(...programs, 'runc', 'busybox', 'root');
