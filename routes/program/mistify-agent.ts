#!/usr/bin/env node
import { unoptimized } from '../../lib/unoptimized.js';

const { main } = await unoptimized(() => import('./main.js'));
await main(process.argv.slice(2));
