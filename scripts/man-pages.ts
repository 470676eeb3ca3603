// Writes the manual pages, from the very command lines that they describe, to dist/man. `npm pack` runs it.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeProgram } from '../lib/cli/program.js';
import { packageRoot } from '../lib/files/package-root.js';
import { commandLine } from '../routes/program/command-line.js';
import { manPage } from './man-pages/man-page.js';

const directory = join(packageRoot, 'dist', 'man');
await mkdir(directory, { recursive: true });
const pages = [
  { command: makeProgram(), section: 1, seeAlso: 'mistify-agent(8)' },
  { command: commandLine(async () => {}), section: 8, seeAlso: 'mistify(1)' },
] as const;
for (const { command, section, seeAlso } of pages)
  await writeFile(join(directory, `${command.name()}.${section}`), manPage(command, section, seeAlso));
