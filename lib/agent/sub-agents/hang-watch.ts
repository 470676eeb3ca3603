import { setTimeout as delay } from 'node:timers/promises';
import { askHealth } from '../../rpc/client/health.js';
import type { ServiceEndpoint } from '../../rpc/protocol/service-address.js';

/** The longest pause between two health calls. */
const MAX_INTERVAL_MS = 15_000;
const START_INTERVAL_MS = 1000;
/** With two calls, an agent that was itself halted does not mistake its own expired timer for a hang. */
const CALLS = 2;

/**
 * Makes health calls to a running sub-agent. Before its first answer it may take any time, since it may be restoring
 * the state after a crash.
 * @param limitMs milliseconds without an answer after which it hangs
 * @param signal aborts when the sub-agent exits
 * @param onAnswer called after each answer
 * @returns whether it hangs; `false` when the signal aborted
 */
export const watchForHang = async (
  endpoint: ServiceEndpoint,
  limitMs: number,
  signal: AbortSignal,
  onAnswer: () => void,
): Promise<boolean> => {
  const callMs = limitMs / CALLS;
  let unanswered = 0;
  let hasAnswered = false;
  while (!signal.aborted) {
    const startedAt = performance.now();
    try {
      await askHealth(endpoint, callMs, signal);
      hasAnswered = true;
      unanswered = 0;
      onAnswer();
    } catch {
      if (hasAnswered) unanswered += 1;
    }
    if (signal.aborted) return false;
    if (unanswered >= CALLS) return true;
    const spentMs = performance.now() - startedAt;
    const pauseMs =
      unanswered > 0 ? callMs - spentMs : Math.min(callMs, hasAnswered ? MAX_INTERVAL_MS : START_INTERVAL_MS);
    await delay(Math.max(0, pauseMs), undefined, { signal, ref: false }).catch(() => {});
  }
  return false;
};
