import { ACTION_SPECS } from '../model/actions.js';
import { configFileSchema } from './schema.js';

/** The path of the JSON Schema, relative to `config/`. */
export const CONFIG_SCHEMA_FILE = 'schema/config.json';

interface JsonSchema {
  [keyword: string]: unknown;
  properties: Record<string, JsonSchema>;
}

/**
 * Derives the JSON Schema of config files from the joi schema that validates them. With it, editors complete keys and
 * mark what the agent would reject or ignore.
 */
export const configJsonSchema = (): unknown => {
  const schema = configFileSchema['~standard'].jsonSchema.input({
    target: 'draft-2020-12',
  }) as JsonSchema;
  const { actions, server, ...others } = schema.properties;
  const socket = server?.properties.socket;
  // Config files write the mode in octal digits; the joi schema's default is the number.
  if (socket?.properties.mode) socket.properties.mode.default = '0600';
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Config of the Mistify Agent',
    ...schema,
    properties: {
      ...others,
      server,
      actions: { ...actions, propertyNames: { enum: [...ACTION_SPECS.keys()] } },
    },
  };
};
