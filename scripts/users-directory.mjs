/** The scripts of package.json whose arguments may be paths. */
const SCRIPTS = ['bench', 'demo', 'dev', 'guest-image', 'mistify', 'start', 'torture'];

/**
 * Returns to the directory that npm was run in: npm runs a script in the package's directory. Other programs that npm
 * has started, such as tests, inherit INIT_CWD and keep their directory.
 */
export const enterUsersDirectory = () => {
  const { INIT_CWD, npm_lifecycle_event } = process.env;
  if (INIT_CWD && SCRIPTS.includes(npm_lifecycle_event)) process.chdir(INIT_CWD);
};

/** Whether the arguments only ask for the help or the version. */
export const asksForHelp = () =>
  process.argv.slice(2).some((argument) => ['-h', '--help', '-V', '--version'].includes(argument));
