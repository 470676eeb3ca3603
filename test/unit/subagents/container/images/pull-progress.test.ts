import test from 'ava';
import {
  type EngineProgress,
  PullProgress,
} from '../../../../../lib/subagents/container/images/pull-progress.js';

const MB = 1024 * 1024;

const line = (status: string, id?: string, current?: number, total?: number): EngineProgress => ({
  status,
  ...(id === undefined ? {} : { id }),
  progressDetail: {
    ...(current === undefined ? {} : { current }),
    ...(total === undefined ? {} : { total }),
  },
});

const percents = (lines: EngineProgress[]): (number | undefined)[] => {
  const progress = new PullProgress();
  return lines.map((each) => progress.add(each)?.[1]);
};

/** As Docker 20.10 reports a pull: layers with their sizes, downloaded side by side and extracted in order. */
const DOCKER = [
  line('Pulling from library/web', '1.2'),
  line('Pulling fs layer', 'aaa'),
  line('Pulling fs layer', 'bbb'),
  line('Downloading', 'aaa', 1 * MB, 10 * MB),
  line('Downloading', 'bbb', 20 * MB, 30 * MB),
  line('Downloading', 'aaa', 10 * MB, 10 * MB),
  line('Download complete', 'aaa'),
  line('Extracting', 'aaa', 5 * MB, 10 * MB),
  line('Pull complete', 'aaa'),
  line('Download complete', 'bbb'),
  line('Extracting', 'bbb', 15 * MB, 30 * MB),
  line('Pull complete', 'bbb'),
  line('Digest: sha256:0000'),
];

test('counts the bytes of all layers', (t) => {
  t.deepEqual(percents(DOCKER), [undefined, 0, 0, 4, 47, 67, 67, 68, 70, 92, 96, 99, 99]);
});

/** As Podman 4.3 reports one: no sizes, and each layer only when its copy begins. */
const PODMAN = [
  line('Pulling fs layer', 'aaa'),
  line('Download complete', 'aaa'),
  line('Pulling fs layer', 'bbb'),
  line('Already exists', 'ccc'),
  line('Download complete', 'bbb'),
];

test('counts layers for an engine that reports no sizes, and never goes back', (t) => {
  t.deepEqual(percents(PODMAN), [0, 90, 90, 90, 93]);
});

test('never goes back when a layer begins again, or a larger one is found', (t) => {
  const found = percents([
    line('Downloading', 'aaa', 9 * MB, 10 * MB),
    line('Downloading', 'aaa', 1 * MB, 10 * MB),
    line('Downloading', 'bbb', 1 * MB, 90 * MB),
    line('Downloading', 'bbb', 89 * MB, 90 * MB),
  ]);
  t.deepEqual(found, [81, 81, 81, 88]);
});

test('says how many layers are there', (t) => {
  const progress = new PullProgress();
  const messages = DOCKER.map((each) => progress.add(each)?.[0]);
  t.is(messages[0], undefined);
  t.is(messages[4], '0 of 2 layers, 47%');
  t.is(messages[9], '2 of 2 layers, 92%');
});
