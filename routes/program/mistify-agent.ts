#!/usr/bin/env node
import { startHeapSampling } from '../../lib/process/profiler.js';

// Before the modules load, so that heap profiles include them.
startHeapSampling();
const { main } = await import('./main.js');
await main(process.argv.slice(2));
