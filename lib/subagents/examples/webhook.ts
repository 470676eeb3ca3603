#!/usr/bin/env node
import { Option } from 'commander';
import { runSubAgent } from '../shared/run.js';
import { createWebhook } from './webhook/service.js';

await runSubAgent<{ endpoint: string }>({
  name: 'mistify-webhook',
  description: 'A sub-agent that posts each action to a webhook',
  defaultPort: 31245,
  options: [new Option('-e, --endpoint <url>', 'URL to post to').makeOptionMandatory()],
  start: ({ endpoint }, log) => ({ subAgent: createWebhook(endpoint, log) }),
});
