import test from 'ava';
import { Command } from 'commander';
import { makeProgram } from '../../../lib/cli/program.js';
import { agentCommand } from '../../../routes/program/command-line.js';
import { manPage } from '../../../scripts/man-pages/man-page.js';

const cliPage = manPage(makeProgram(), 1, 'mistify-agent(8)');
const agentPage = manPage(
  agentCommand(async () => {}),
  8,
  'mistify(1)',
);

test('the mistify manual has every command with its options, the exit codes and the examples', (t) => {
  t.regex(cliPage, /^\.SS mistify guest create \[image\]$/m);
  t.regex(cliPage, /^\.B \\-\\-memory <size>$/m);
  t.regex(cliPage, /Exit codes: 0 success/);
  t.notRegex(cliPage, /mistify complete\b/);
});

test('the agent manual has every option with its default', (t) => {
  for (const option of ['a, \\-\\-address', 'c, \\-\\-config\\-file', 'l, \\-\\-log\\-level'])
    t.true(agentPage.includes(`.B \\-${option}`), option);
  t.regex(agentPage, /default: :8080/);
});

test('escapes text that roff would take for a request', (t) => {
  const page = manPage(new Command('x').description("line\n.so /etc/passwd\n'quoted\\"), 1, 'y(1)');
  t.regex(page, /\n\\&\.so \/etc\/passwd\n\\&'quoted\\e\n/);
});
