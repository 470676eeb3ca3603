import test from 'ava';
import { IdleCollection } from '../../../lib/process/idle-collection.js';

const WORKING = { active: 600, utilization: 0.06 };
const RESTING = { active: 20, utilization: 0.002 };

test('collects twice once a process that has worked rests, and not again', (t) => {
  const collection = new IdleCollection();
  t.false(collection.isDue(WORKING));
  t.true(collection.isDue(RESTING));
  t.true(collection.isDue(RESTING));
  t.false(collection.isDue(RESTING));
});

test('never collects while the process works', (t) => {
  const collection = new IdleCollection();
  for (let look = 0; look < 100; look += 1) t.false(collection.isDue(WORKING));
});

test('collects after much work in small portions, each in an idle time', (t) => {
  const collection = new IdleCollection();
  const due = Array.from({ length: 25 }, () => collection.isDue(RESTING));
  t.deepEqual(due.indexOf(true), 24);
});

test('a process that works between the two collections has the second one later', (t) => {
  const collection = new IdleCollection();
  collection.isDue(WORKING);
  t.true(collection.isDue(RESTING));
  t.false(collection.isDue({ active: 300, utilization: 0.03 }));
  t.true(collection.isDue(RESTING));
});
