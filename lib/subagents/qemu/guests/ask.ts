import { GuestAgentTimeout } from '../../shared/guest-agent/client.js';
import { connectAgent } from './agent.js';
import type { Entry } from './entry.js';
import { PowerButton } from './power-button.js';
import type { Watch } from './watch.js';

const POLL_MS = 500;

interface AskOptions {
  timeoutMs: number;
  signal?: AbortSignal;
  /** Whether to keep asking. */
  isWanted: () => boolean;
  /** Called once, when the request reaches the guest, which may then shut down at any time. */
  onTold: () => Promise<void>;
}

/** The outcome of asking a guest to shut itself down. */
export interface Answer {
  off: boolean;
  /** How the guest reacted, for an error message. */
  reaction: string;
}

/** Asks the guest agent: `guest-shutdown`, which has no response unless it fails. */
const askAgent = async (entry: Entry, watch: Watch, timeoutMs: number, onRefusal: () => void) => {
  const agent = await connectAgent(entry, watch);
  if (!agent) return undefined;
  agent.execute('guest-shutdown', timeoutMs, { mode: 'powerdown' }).catch((error: unknown) => {
    if (!(error instanceof GuestAgentTimeout)) onRefusal();
  });
  return agent;
};

/**
 * Asks a guest to shut itself down, through its agent or, without one, by its power button, and waits until it is off.
 * @throws {AbortError} when `signal` is aborted first
 */
export const askToShutDown = async (
  entry: Entry,
  watch: Watch,
  { timeoutMs, signal, isWanted, onTold }: AskOptions,
): Promise<Answer> => {
  const deadline = performance.now() + timeoutMs;
  const button = new PowerButton(watch);
  let accepted = true;
  const agent = await askAgent(entry, watch, timeoutMs, () => {
    accepted = false;
  });
  if (agent) await onTold();
  let told = agent !== undefined;
  const viaAgent = (): boolean => agent !== undefined && accepted;
  try {
    for (let left = timeoutMs; left > 0 && isWanted(); left = deadline - performance.now()) {
      if (!viaAgent() && (await button.press()) && !told) {
        told = true;
        await onTold();
      }
      if (await watch.exitedWithin(Math.min(left, POLL_MS), signal)) return { off: true, reaction: '' };
    }
  } finally {
    agent?.close();
  }
  return {
    off: false,
    reaction: viaAgent() ? 'its guest agent was told to, and it may still do it' : button.reaction,
  };
};
