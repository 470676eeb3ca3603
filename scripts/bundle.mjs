// Bundles each program that runs for long with the modules that it uses at once into one file, dist/programs/NAME/main.js: it
// starts in half the time and takes less memory, see docs/performance.md. `npm run build` runs it after the compiler.
import { chmod, rm } from 'node:fs/promises';
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
  'sub-agents': 'dist/lib/subagents/together/main.js',
};

/** What CommonJS modules take for granted. */
const BANNER = `import { createRequire as _createRequire } from 'node:module';
import { dirname as _dirname } from 'node:path';
const require = _createRequire(import.meta.url);
const __filename = import.meta.filename;
const __dirname = _dirname(__filename);`;

/**
 * Parts of dockerode that reach engines on other hosts and build images, which a container engine on a unix socket of this
 * host never needs. They are larger than all the rest of the sub-agents.
 */
const UNUSED = /^(ssh2|@grpc\/grpc-js|@grpc\/proto-loader)$/;

const withoutUnused = {
  name: 'without unused parts',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: UNUSED }, ({ path }) => ({ path, namespace: 'unused' }));
    onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** Bundles one program. What it imports on demand gets files of its own, which take no memory before. */
const bundleProgram = async (name, entry) => {
  const outdir = `dist/programs/${name}`;
  await rm(new URL(`../${outdir}`, import.meta.url), { recursive: true, force: true });
  await build({
    absWorkingDir: ROOT,
    entryPoints: { main: entry },
    outdir,
    bundle: true,
    splitting: true,
    chunkNames: '[name]-[hash]',
    platform: 'node',
    format: 'esm',
    target: 'node20.11',
    banner: { js: BANNER },
    // Optional parts of packages, which are loaded only where they are installed.
    external: ['cpu-features', '*.node', 'pino-pretty'],
    plugins: [withoutUnused],
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 160,
    legalComments: 'linked',
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'warning',
  });
  await chmod(new URL(`../${outdir}/main.js`, import.meta.url), 0o755);
};

/** Writes the bundles. Names of functions and lines stay readable in stack traces and profiles. */
export const bundle = () =>
  Promise.all(Object.entries(PROGRAMS).map(([name, entry]) => bundleProgram(name, entry)));

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
