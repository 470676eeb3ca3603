#!/usr/bin/env node
import { resolve } from 'node:path';
import { Option } from 'commander';
import { runSubAgent } from '../shared/run.js';
import { type ContainerOptions, startContainers } from './service.js';

const collect = (value: string, values: string[] = []): string[] => [...values, value];

await runSubAgent<ContainerOptions>({
  name: 'mistify-container',
  description: 'Runs containers by Docker, Podman, or whatever else speaks the Docker Engine API',
  defaultPort: 30001,
  options: [
    new Option('--dir <dir>', 'where its own files are kept')
      .env('MISTIFY_STATE_DIR')
      .argParser((path) => resolve(path))
      .default('/var/lib/mistify/container'),
    new Option(
      '--engine <path>',
      "the container engine's unix socket; may be repeated: the first that answers is used (default: $DOCKER_HOST, else where Docker and Podman listen)",
    ).argParser(collect),
    new Option(
      '--import-dir <dir>',
      'images may be loaded from files under it; may be repeated (default: import in --dir)',
    ).argParser((path, paths?: string[]) => collect(resolve(path), paths)),
  ],
  start: startContainers,
});
