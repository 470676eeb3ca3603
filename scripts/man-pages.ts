// Writes the manual pages to dist/man, from the command lines that they describe. `npm pack` runs it.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeProgram } from '../lib/cli/program.js';
import { packageRoot } from '../lib/files/package-root.js';
import { agentCommand } from '../routes/program/command-line.js';
import { manPage } from './man-pages/man-page.js';

const directory = join(packageRoot, 'dist', 'man');
await mkdir(directory, { recursive: true });
const pages = [
  { command: makeProgram(), section: 1, seeAlso: 'mistify-agent(8)' },
  { command: agentCommand(async () => {}), section: 8, seeAlso: 'mistify(1)' },
] as const;
for (const { command, section, seeAlso } of pages)
  await writeFile(join(directory, `${command.name()}.${section}`), manPage(command, section, seeAlso));
