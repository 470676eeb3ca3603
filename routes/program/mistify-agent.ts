#!/usr/bin/env -S MALLOC_MMAP_THRESHOLD_=131072 node --expose-gc --v8-pool-size=1 --heap-growing-percent=200 --no-allocation-site-pretenuring
import { collectWhenIdle } from '../../lib/process/idle-collection.js';
import { startHeapSampling } from '../../lib/process/profiler.js';

// Before the modules load, so that heap profiles include them.
startHeapSampling();
collectWhenIdle();
const { main } = await import('./main.js');
await main(process.argv.slice(2));
