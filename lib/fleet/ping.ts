import { errorMessage } from '../errors.js';
import { axios } from '../http/axios.js';
import type { HostEvidence } from '../model/fleet-host.js';

const PING_MS = 2000;

/** Asks an agent directly whether it is alive. Any answer counts: an agent that asks for credentials is alive, too. */
export const ping = async (address: string): Promise<NonNullable<HostEvidence['ping']>> => {
  const startedAt = performance.now();
  const ms = (): number => Math.round(performance.now() - startedAt);
  try {
    await axios.get(`${address.replace(/\/$/, '')}/healthz`, {
      timeout: PING_MS,
      signal: AbortSignal.timeout(PING_MS),
      validateStatus: () => true,
      maxRedirects: 0,
      proxy: false,
    });
    return { ok: true, ms: ms() };
  } catch (error) {
    return { ok: false, ms: ms(), error: errorMessage(error) };
  }
};
