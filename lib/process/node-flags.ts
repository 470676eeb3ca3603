/**
 * Node's flags for programs that run for long, the agent and its sub-agents: docs/performance.md says what each one
 * does. Flags take effect only at the start of a process, so the shebangs of these programs and `npm start` repeat them.
 */
export const NODE_FLAGS = [
  '--v8-pool-size=1',
  '--heap-growing-percent=200',
  '--no-allocation-site-pretenuring',
] as const;
