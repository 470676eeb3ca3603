import Joi from 'joi';

/** Parts of the responses of QEMU's guest agent (qga/qapi-schema.json). A program in the guest can send anything. */
interface Command {
  name: string;
  enabled: boolean;
}

interface Interface {
  name: string;
  'hardware-address'?: string;
  'ip-addresses'?: { 'ip-address': string; prefix: number }[];
}

interface FileSystem {
  mountpoint: string;
  type: string;
  'used-bytes'?: number;
  'total-bytes'?: number;
  disk: { serial?: string; dev?: string }[];
}

const text = (): Joi.StringSchema => Joi.string().allow('');
const bytes = (): Joi.NumberSchema => Joi.number().min(0).unsafe();

const parts = <Value>(keys: Record<string, Joi.Schema>): Joi.ObjectSchema<Value> =>
  Joi.object<Value>(keys).unknown();

const listOf = <Item>(item: Joi.Schema): Joi.ArraySchema<Item[]> =>
  Joi.array<Item[]>().items(item).required() as Joi.ArraySchema<Item[]>;

export const infoResponse = parts<{ version: string; supported_commands: Command[] }>({
  version: text().required(),
  supported_commands: listOf<Command>(parts({ name: text().required(), enabled: Joi.boolean().required() })),
}).required();

export const hostNameResponse = parts<{ 'host-name': string }>({ 'host-name': text().required() }).required();

export const osResponse = parts<
  Partial<Record<'id' | 'name' | 'version' | 'pretty-name' | 'kernel-release', string>>
>({
  ...{ id: text(), name: text(), version: text(), 'pretty-name': text(), 'kernel-release': text() },
}).required();

export const interfacesResponse = listOf<Interface>(
  parts({
    name: text().required(),
    'hardware-address': text(),
    'ip-addresses': Joi.array().items(
      parts({ 'ip-address': text().required(), prefix: Joi.number().integer().min(0).max(128).required() }),
    ),
  }),
);

export const fileSystemsResponse = listOf<FileSystem>(
  parts({
    ...{ mountpoint: text().required(), type: text().required() },
    ...{ 'used-bytes': bytes(), 'total-bytes': bytes() },
    disk: listOf(parts({ serial: text(), dev: text() })),
  }),
);

/** `login-time` is in seconds since 1970. */
export const usersResponse = listOf<{ user: string; 'login-time': number }>(
  parts({
    user: text().required(),
    'login-time': Joi.number().min(0).max(8.64e12).required(),
  }),
);

export const timezoneResponse = parts<{ zone?: string; offset: number }>({
  zone: text(),
  offset: Joi.number().integer().required(),
}).required();
