import { expect, test } from 'vitest';
import { memoizedByWindows } from '../../../packages/server/src/ledger/window-cache.ts';
import { capped, MONTH, TODAY, TOMORROW } from '../../../packages/server/src/testing/fixtures.ts';

const [day, month, next] = [TODAY, MONTH, TOMORROW].map((window) => capped(window, 1_000)) as [
  ReturnType<typeof capped>,
  ReturnType<typeof capped>,
  ReturnType<typeof capped>,
];

/** A memo that counts, so that a list made again differs. */
function memo() {
  let made = 0;
  return memoizedByWindows<typeof day, string>((windows) => {
    made += 1;
    return `${made}: ${windows.map(({ end }) => end).join()}`;
  });
}

test('the same windows in the same order are made once, whatever list they are in', () => {
  const of = memo();
  expect(of([])).toBe(of([]));
  expect(of([day, month])).toBe(of([day, month]));
  expect(of([day])).toBe(of([day]));
});

test('another list is never taken for it: longer, shorter, reordered, or an equal copy', () => {
  const of = memo();
  const lists = [
    [],
    [day],
    [day, month],
    [day, next],
    [day, month, next],
    [month, day],
    [{ ...day }],
  ];
  const made = lists.map((windows) => of(windows));
  expect(new Set(made).size).toBe(lists.length);
  for (const [index, windows] of lists.entries()) {
    expect(made[index]?.slice(3)).toBe(windows.map(({ end }) => end).join());
  }
});

test('a list that its caller changes afterwards is another one', () => {
  const of = memo();
  const windows = [day];
  const before = of(windows);
  windows.push(month);
  expect(of(windows)).not.toBe(before);
  expect(of([day])).toBe(before);
});

test('few lists are kept for one first window, the latest', () => {
  const of = memo();
  const others = Array.from({ length: 8 }, () => ({ ...month }));
  const first = of([day, month]);
  const made = others.map((other) => of([day, other]));
  expect(others.map((other) => of([day, other]))).toEqual(made);
  expect(of([day, month])).not.toBe(first);
});
