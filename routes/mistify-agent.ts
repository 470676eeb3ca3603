#!/usr/bin/env node
import { loadLean } from '../lib/lean-loading.js';

const { main } = await loadLean(() => import('./main.js'));
await main(process.argv.slice(2));
