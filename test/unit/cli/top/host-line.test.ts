import test from 'ava';
import { hostLine } from '../../../../lib/cli/top/host-line.js';

const HOST = {
  name: 'host-1',
  cpu: { count: 16, load: [0.5, 0.75, 0.6] },
  memory: { size: 65_536, available: 12_288, guests: 40_960 },
  space: [{ name: 'images and disks', size: 1_048_576, free: 524_288 }],
  problems: [],
};

test('describes the load and the room of the host on one line', (t) => {
  t.is(
    hostLine(HOST),
    'host-1: load 0.5 0.75 0.6 on 16 CPUs, memory 12 GB of 64 GB free, images and disks 512 GB of 1 TB free',
  );
});

test('counts what is wrong', (t) => {
  const problems = [{ part: 'storage', message: 'the pool is full' }];
  t.regex(hostLine({ ...HOST, problems }), /, 1 problem: see mistify host$/);
});
