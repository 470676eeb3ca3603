import Joi from 'joi';
import { PUBLIC_KEY } from './ssh-key.js';

const MAX_NAME_LENGTH = 256;
const MAX_PASSWORD_LENGTH = 1024;
const MAX_KEYS = 100;
const MAX_KEY_LENGTH = 16 * 1024;

/** A new password of a user in a guest. */
export interface PasswordChange {
  user: string;
  password: string;
  /** Whether `password` is a hash as in shadow(5). */
  crypted?: boolean;
}

/** SSH keys that may log in as a user of a guest. */
export interface SshKeys {
  user: string;
  /** Lines of authorized_keys: sshd(8). */
  keys: string[];
  /** Whether to remove the user's other keys. */
  replace?: boolean;
}

/** A file system of a guest that was trimmed. */
export interface TrimmedFileSystem {
  mountpoint: string;
  /** MB that the guest gave back. */
  trimmed?: number;
  /** Why it could not be trimmed. */
  error?: string;
}

export interface Trim {
  fileSystems: TrimmedFileSystem[];
}

/** The correction of a guest's clock. */
export interface ClockChange {
  /** How far it was behind that of the host, in seconds; negative when it was ahead. */
  lag: number;
}

/** Where and how to write a piece of a file in a guest. */
export interface FilePosition {
  path: string;
  /** Where the piece begins, in bytes. At 0, which is the default, it replaces the whole file. */
  offset?: number;
  /** The permissions in octal. A new file gets 0644 by default, another one keeps its own. */
  mode?: string;
}

export interface FilePiece extends FilePosition {
  /** In base64. */
  data: string;
}

/** A piece of a file that was written in a guest. */
export interface FileWritten {
  /** The size of the file up to the end of the piece, in bytes. */
  size: number;
}

/** Its messages do not quote values, which may be secret. */
const oneLine = (max: number, forbidden: RegExp, what: string): Joi.StringSchema =>
  Joi.string()
    .max(max)
    .custom((text: string, helpers) =>
      forbidden.test(text) ? helpers.message({ custom: `{{#label}} must not contain ${what}` }) : text,
    );

const LINE_BREAKS = /[\0\r\n]/;

const userSchema = oneLine(MAX_NAME_LENGTH, /[\0\r\n:]/, 'colons, line breaks or NUL')
  .required()
  .description('The name of the user in the guest')
  .example('root');

export const passwordSchema = Joi.object<PasswordChange, true>({
  user: userSchema,
  password: oneLine(MAX_PASSWORD_LENGTH, LINE_BREAKS, 'line breaks or NUL').required(),
  crypted: Joi.boolean().description('Whether `password` is a hash as in /etc/shadow; false by default'),
}).label('password');

const publicKey = oneLine(MAX_KEY_LENGTH, LINE_BREAKS, 'line breaks or NUL').custom(
  (text: string, helpers) =>
    PUBLIC_KEY.test(text)
      ? text
      : helpers.message({
          custom: '{{#label}} must be a public key, such as the line in ~/.ssh/id_ed25519.pub',
        }),
);

export const sshKeysSchema = Joi.object<SshKeys, true>({
  user: userSchema,
  keys: Joi.array()
    .items(publicKey)
    .min(1)
    .max(MAX_KEYS)
    .required()
    .description('Public keys, as in ~/.ssh/authorized_keys')
    .example(['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmFXkoA2o8Xqjs6YnBx0c7lTqy6kmfhvD4Yg0x0XJ0b me@laptop']),
  replace: Joi.boolean().description("Whether to remove the user's other keys; false by default"),
}).label('ssh keys');

export const trimSchema = Joi.object<Trim>({
  fileSystems: Joi.array()
    .items(
      Joi.object<TrimmedFileSystem>({
        mountpoint: Joi.string().allow('').required().example('/'),
        trimmed: Joi.number().min(0).description('MB that the guest gave back').example(120),
        error: Joi.string().allow('').description('Why it could not be trimmed'),
      }),
    )
    .required(),
}).label('trim');

export const clockSchema = Joi.object<ClockChange>({
  lag: Joi.number()
    .required()
    .description('Seconds that the clock was behind that of the host; negative when it was ahead')
    .example(3.2),
}).label('clock');

export const fileWrittenSchema = Joi.object<FileWritten>({
  size: Joi.number()
    .integer()
    .min(0)
    .required()
    .description('The size of the file up to the end of the piece, in bytes')
    .example(158),
}).label('file written');

/** For what has no result. */
export const nothingSchema = Joi.object<Record<string, never>>({}).label('nothing');

const MAX_PATH_LENGTH = 4096;

/** The permissions of a new file. */
export const DEFAULT_FILE_MODE = '0644';

/** Paths of any operating system, so only their length is checked. */
const filePath = oneLine(MAX_PATH_LENGTH, /\0/, 'NUL')
  .required()
  .description('The path of a file in the guest')
  .example('/etc/hosts');

export const filePathSchema = Joi.object<Pick<FilePosition, 'path'>, true>({ path: filePath });

export const filePositionSchema = filePathSchema.append<FilePosition>({
  offset: Joi.number()
    .integer()
    .min(0)
    .description(
      'Where the body begins in the file, in bytes; at 0, the default, it replaces the whole file',
    ),
  mode: Joi.string()
    .pattern(/^0?[0-7]{3}$/, 'be a file mode in octal, such as 0644')
    .description(`The permissions of the file; those of a new file are ${DEFAULT_FILE_MODE} by default`)
    .example('0600'),
});

export const filePieceSchema = filePositionSchema.append<FilePiece>({
  data: Joi.string().allow('').required(),
});
