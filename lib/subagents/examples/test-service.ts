#!/usr/bin/env node
import { runSubAgent } from '../shared/run.js';
import { createTestService } from './test-service/service.js';

await runSubAgent({
  name: 'mistify-test-service',
  description: 'A sub-agent that responds to every method with fixed values',
  defaultPort: 9999,
  start: (_options, log) => ({ subAgent: createTestService(log) }),
});
