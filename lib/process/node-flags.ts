/**
 * A variable of the C library with which the agent returns the memory of its start: glibc raises the size above which a buffer
 * has a mapping of its own to that of the largest buffer that was freed, here the source of the program, and what then lies
 * among smaller buffers is never returned (mallopt(3), M_MMAP_THRESHOLD). 128 kB is its first value, above that of a download.
 */
export const AGENT_ENVIRONMENT = { MALLOC_MMAP_THRESHOLD_: String(128 * 1024) } as const;

/**
 * Node's flags for the agent: docs/performance.md says what each one does. Flags and variables take effect only at the start
 * of a process, so the shebang of the program and `npm start` repeat them.
 */
export const NODE_FLAGS = [
  '--expose-gc',
  '--v8-pool-size=1',
  '--heap-growing-percent=200',
  '--no-allocation-site-pretenuring',
] as const;

/** Node's flags for the agent's own sub-agents, which get fewer calls than the agent gets requests. */
export const SUB_AGENT_FLAGS = [...NODE_FLAGS, '--max-semi-space-size=4'] as const;

const MB = 1024 * 1024;

/** Variables of the C library with which a sub-agent returns memory that only large requests needed. */
export const SUB_AGENT_ENVIRONMENT = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: String(4 * MB),
  // By default this one follows the largest buffer so far, but only until a threshold is set.
  MALLOC_MMAP_THRESHOLD_: String(4 * MB),
} as const;
