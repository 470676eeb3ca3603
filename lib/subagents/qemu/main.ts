#!/usr/bin/env -S node --expose-gc --v8-pool-size=1 --heap-growing-percent=200 --no-allocation-site-pretenuring --max-semi-space-size=4
import { runSubAgent } from '../shared/run.js';
import { qemuProgram } from './program.js';

await runSubAgent(qemuProgram);
