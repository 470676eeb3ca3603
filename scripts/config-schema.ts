// npm run config-schema: rewrites the JSON Schema of config files, which editors use.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CONFIG_SCHEMA_FILE, configJsonSchema } from '../lib/config/json-schema.js';
import { packageRoot } from '../lib/files/package-root.js';

const file = join(packageRoot, 'config', CONFIG_SCHEMA_FILE);
await writeFile(file, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
