import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds } from './proc.js';
import type { RealAgent } from './real-agent.js';
import type { Figure } from './suite.js';

/** The target for the agent, in percent of one core. */
const AT_MOST_PERCENT = 2;

/** Measures the share of a core that the agent and each sub-agent use, without their guests. */
export const shareOfCore = async (agent: RealAgent, seconds: number, when: string): Promise<Figure[]> => {
  const processes = Object.entries(await agent.processes());
  const used = (): Promise<number[]> => Promise.all(processes.map(([, pid]) => cpuSeconds(pid)));
  const before = await used();
  const startedAt = performance.now();
  await delay(seconds * 1000);
  const after = await used();
  const passed = (performance.now() - startedAt) / 1000;
  return processes.map(([name], index) => ({
    name: name === 'agent' ? `the agent ${when}` : `the ${name} sub-agent ${when}`,
    unit: '% of a core',
    values: [(((after[index] ?? 0) - (before[index] ?? 0)) / passed) * 100],
    ...(name === 'agent' ? { target: { atMost: AT_MOST_PERCENT } } : {}),
  }));
};
