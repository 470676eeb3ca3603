import { ACTION_TYPES } from '../model/actions.js';
import { configFileSchema } from './schema.js';

/** Where editors find it, relative to `config/`. */
export const CONFIG_SCHEMA_FILE = 'schema/config.json';

interface JsonSchema {
  [keyword: string]: unknown;
  properties: Record<string, JsonSchema>;
}

/**
 * The JSON Schema of config files, from the schema that validates them, for editors: they complete keys and mark what
 * the agent would refuse or ignore.
 */
export const configJsonSchema = (): unknown => {
  const schema = configFileSchema['~standard'].jsonSchema.input({
    target: 'draft-2020-12',
  }) as unknown as JsonSchema;
  const { actions, server, ...others } = schema.properties;
  const socket = server?.properties.socket;
  // The default as it is written, not as it is read: octal.
  if (socket?.properties.mode) socket.properties.mode.default = '0600';
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Config of the Mistify Agent',
    ...schema,
    properties: {
      ...others,
      server,
      actions: { ...actions, propertyNames: { enum: [...ACTION_TYPES.keys()] } },
    },
  };
};
