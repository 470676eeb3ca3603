import { type HeapProfiler, Session } from 'node:inspector';

/** Average bytes allocated between two samples: Go's rate. */
const SAMPLE_BYTES = 512 * 1024;

/** An allocation site, as @datadog/pprof reads it. */
export interface AllocationNode {
  name: string;
  scriptName: string;
  scriptId: number;
  /** Counts from 1. */
  lineNumber: number;
  columnNumber: number;
  children: AllocationNode[];
  allocations: { sizeBytes: number; count: number }[];
}

type Allocations = AllocationNode['allocations'];

/** A node of the profile. Samples refer to it by `id`, which the types of Node 20 lack. */
interface SampledNode extends HeapProfiler.SamplingHeapProfileNode {
  id: number;
  children: SampledNode[];
}

interface Sample {
  nodeId: number;
  size: number;
  /** Grows with time. */
  ordinal: number;
}

interface SampledHeap extends HeapProfiler.SamplingHeapProfile {
  head: SampledNode;
  samples: Sample[];
}

const toNode = (
  { callFrame, id, children }: SampledNode,
  allocations: ReadonlyMap<number, Allocations>,
): AllocationNode => ({
  name: callFrame.functionName,
  scriptName: callFrame.url,
  scriptId: Number(callFrame.scriptId),
  lineNumber: callFrame.lineNumber + 1,
  columnNumber: callFrame.columnNumber + 1,
  children: children.map((child) => toNode(child, allocations)),
  allocations: allocations.get(id) ?? [],
});

/**
 * Samples this process's heap from its construction on. V8 drops the samples of objects that it has collected, so the
 * samples left at any time are the live heap. Sampling costs less than 2% of the allocation time, and 1 MB.
 */
export class HeapSampler {
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
    this.#session.post('HeapProfiler.startSampling', { samplingInterval: SAMPLE_BYTES });
  }

  /** Marks this moment for `live`. */
  async mark(): Promise<number> {
    const { samples } = await this.#profile();
    return Math.max(-1, ...samples.map(({ ordinal }) => ordinal));
  }

  /**
   * Returns the allocation sites of the live objects as a tree. Each sample counts as one object.
   * @param since leaves out objects allocated before that mark
   */
  async live(since = -1): Promise<AllocationNode> {
    const { head, samples } = await this.#profile();
    const allocations = new Map<number, Allocations>();
    for (const { nodeId, ordinal, size } of samples) {
      if (ordinal <= since) continue;
      const ofNode = allocations.get(nodeId) ?? [];
      allocations.set(nodeId, ofNode);
      ofNode.push({ sizeBytes: size, count: 1 });
    }
    return toNode(head, allocations);
  }

  #profile(): Promise<SampledHeap> {
    return new Promise((resolve, reject) => {
      this.#session.post('HeapProfiler.getSamplingProfile', (error, result) => {
        if (error) reject(error);
        else resolve(result.profile as SampledHeap);
      });
    });
  }
}
