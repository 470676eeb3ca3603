import test from 'ava';
import { RING_BYTES, Ring } from '../../../../lib/metrics/history/ring.js';

const MINUTE_MS = 60_000;
/** A full hour. */
const START = Date.UTC(2026, 0, 1) / MINUTE_MS;

const loadOf = (from: number, to: number, cpu: (minute: number) => number) =>
  new Map(Array.from({ length: to - from }, (_, index) => [from + index, { cpu: cpu(from + index) }]));

test('averages the minutes of ten minutes, and those of an hour', (t) => {
  const ring = new Ring();
  ring.add(loadOf(START, START + 60, (minute) => minute - START));
  const now = (START + 59) * MINUTE_MS;
  t.is(ring.points('hour', now).length, 60);
  t.deepEqual(
    ring.points('day', now).map(({ cpu }) => cpu),
    [4.5, 14.5, 24.5, 34.5, 44.5, 54.5],
  );
  t.deepEqual(ring.points('month', now), [{ time: '2026-01-01T00:00:00.000Z', cpu: 29.5 }]);
});

test('forgets what is older than its range, and leaves out what was not measured', (t) => {
  const ring = new Ring();
  ring.add(loadOf(START, START + 30, () => 1));
  ring.add(loadOf(START + 80, START + 85, () => 2));
  const points = ring.points('hour', (START + 84) * MINUTE_MS);
  t.deepEqual(
    points.map(({ time, cpu }) => [Date.parse(time) / MINUTE_MS - START, cpu]),
    [
      ...[25, 26, 27, 28, 29].map((minute) => [minute, 1]),
      ...[80, 81, 82, 83, 84].map((minute) => [minute, 2]),
    ],
  );
});

test('continues what is stored, and changes only a few bytes of it', (t) => {
  const first = new Ring();
  first.add(loadOf(START, START + 10, () => 4));
  const stored = Buffer.alloc(RING_BYTES);
  for (const { start, bytes } of first.changes()) bytes.copy(stored, start);
  const next = new Ring(Buffer.from(stored));
  next.add(loadOf(START + 10, START + 20, () => 8));
  t.true(next.changes().reduce((sum, { bytes }) => sum + bytes.length, 0) < 400);
  for (const { start, bytes } of next.changes()) bytes.copy(stored, start);
  const points = new Ring(stored).points('month', (START + 20) * MINUTE_MS);
  t.deepEqual(
    points.map(({ cpu }) => cpu),
    [6],
  );
});

test('starts anew from a file of another length or layout', (t) => {
  for (const stored of [Buffer.alloc(0), Buffer.alloc(RING_BYTES, 1), Buffer.alloc(10)]) {
    const ring = new Ring(stored);
    t.deepEqual(ring.points('hour', START * MINUTE_MS), []);
    t.is(ring.changes()[0]?.bytes.length, RING_BYTES);
  }
});
