#!/usr/bin/env node
import { Option } from 'commander';
import { runSubAgent } from '../shared/run.js';
import { createSimple, parsePercent } from './simple/service.js';

await runSubAgent<{ percent: number }>({
  name: 'mistify-simple',
  description: 'A sub-agent that fails a given percentage of its calls',
  defaultPort: 21356,
  options: [
    new Option('-c, --percent <percent>', 'percentage of calls that fail')
      .argParser(parsePercent)
      .default(50),
  ],
  start: ({ percent }, log) => ({ subAgent: createSimple(percent, log) }),
});
