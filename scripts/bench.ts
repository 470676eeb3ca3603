// npm run bench: measures the agent from outside, beside a minimal Node.js server.
import { Argument, Command } from 'commander';
import { errorMessage } from '../lib/errors.js';
import { isInterrupted } from './bench/interrupted.js';
import { asJson, circumstances, printSuite, type SuiteResult } from './bench/report.js';
import { QUICK_PACE, USUAL_PACE } from './bench/suite.js';
import { SUITES } from './bench/suites.js';

interface Options {
  json?: boolean;
  quick?: boolean;
}

const main = async (names: readonly string[], { json, quick }: Options): Promise<void> => {
  const pace = quick ? QUICK_PACE : USUAL_PACE;
  const chosen = SUITES.filter(({ name, onlyWhenNamed }) =>
    names.length === 0 ? !onlyWhenNamed : names.includes(name),
  );
  if (!json) console.log(circumstances(pace));
  const results: SuiteResult[] = [];
  for (const suite of chosen) {
    console.error(`bench: measures ${suite.name} …`);
    const result = { suite, figures: await suite.run(pace) };
    results.push(result);
    if (!json && result.figures.length > 0) printSuite(result);
  }
  if (json) console.log(asJson(results, pace));
};

const command = new Command('bench')
  .description('Measures how fast the agent is')
  .addArgument(
    new Argument('[suites...]', 'the suites to run; by default, all that need no real guests').choices(
      SUITES.map(({ name }) => name),
    ),
  )
  .option('--json', 'print every round, as JSON')
  .option('--quick', 'short rounds, for a first look')
  .addHelpText('after', `\n${SUITES.map(({ name, title }) => `  ${name}: ${title}`).join('\n')}`)
  .action(main);

try {
  await command.parseAsync();
} catch (error) {
  process.exitCode = 1;
  if (!isInterrupted()) console.error(`bench: ${errorMessage(error)}`);
}
