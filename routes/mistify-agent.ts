#!/usr/bin/env node
import { allocateYoung, withSmallYoungGeneration } from '../lib/young-generation.js';

allocateYoung();
await withSmallYoungGeneration(async () => {
  const { main } = await import('./main.js');
  await main(process.argv.slice(2));
});
