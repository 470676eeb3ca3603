// Bundles each program that runs for long with all the modules that it uses into one file, dist/programs/NAME/main.js: it
// starts in half the time and takes less memory, see docs/performance.md. `npm run build` runs it after the compiler.
import { chmod } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The module that each program begins with, by the program's name. */
const PROGRAMS = {
  agent: 'dist/routes/program/mistify-agent.js',
  backup: 'dist/lib/subagents/backup/main.js',
  container: 'dist/lib/subagents/container/main.js',
  qemu: 'dist/lib/subagents/qemu/main.js',
  storage: 'dist/lib/subagents/storage/main.js',
};

/** What CommonJS modules take for granted. */
const BANNER = `import { createRequire as _createRequire } from 'node:module';
import { dirname as _dirname } from 'node:path';
const require = _createRequire(import.meta.url);
const __filename = import.meta.filename;
const __dirname = _dirname(__filename);`;

/** Writes the bundles. Names of functions and lines stay readable in stack traces and profiles. */
export const bundle = async () => {
  const outputs = Object.fromEntries(
    Object.entries(PROGRAMS).map(([name, entry]) => [`${name}/main`, entry]),
  );
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: outputs,
    outdir: 'dist/programs',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.11',
    banner: { js: BANNER },
    // Optional parts of packages, which are loaded only where they are installed.
    external: ['cpu-features', '*.node', 'pino-pretty'],
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 160,
    legalComments: 'linked',
    sourcemap: 'linked',
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
  });
  const programs = Object.keys(metafile.outputs).filter((path) => path.endsWith('.js'));
  await Promise.all(programs.map((path) => chmod(new URL(`../${path}`, import.meta.url), 0o755)));
};

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
