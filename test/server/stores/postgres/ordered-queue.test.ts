import { describe, expect, test } from 'vitest';
import { orderedQueue } from '../../../../packages/server/src/stores/postgres/ordered-queue.ts';

interface Command {
  readonly id: string | undefined;
  readonly subject: string | undefined;
  readonly isRead: boolean;
}

const write = (id: string, subject?: string): Command => ({ id, subject, isRead: false });
const read = (id: string | undefined, subject?: string): Command => ({ id, subject, isRead: true });

/** A queue over a server that answers a batch when a test says so. */
function world({ maxBatch = 10, maxQueue = 100 } = {}) {
  /** The batches so far: the ids, or subjects, of their commands. */
  const sent: string[] = [];
  const open = new Map<string, () => void>();
  const server = { answersNow: false };
  const queue = orderedQueue<Command, string>({
    ...{ maxBatch, maxQueue },
    runBatch: (commands) => {
      const names = commands.map(({ id, subject }) => id ?? subject ?? '');
      const outcomes = names.map((value) => ({ value }));
      if (server.answersNow) return Promise.resolve(outcomes);
      sent.push(names.join());
      return new Promise((resolve) => open.set(names.join(), () => resolve(outcomes)));
    },
  });
  const answered: string[] = [];
  const turns = async () => {
    for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  /** Submits commands one after another, each in a tick of its own. */
  const submit = async (...commands: readonly Command[]) => {
    for (const command of commands) {
      void queue.submit(command).then((value) => answered.push(value));
      await turns();
    }
  };
  const answer = async (batch: string) => {
    open.get(batch)?.();
    await turns();
  };
  return { queue, server, sent, answered, submit, answer, turns };
}

describe('commands of one subject or one id', () => {
  test('run one after another, beside those of another subject', async () => {
    const { sent, answered, submit, answer } = world();
    await submit(write('a1', 'A'), write('b1', 'B'), write('a2', 'A'), write('b2', 'B'));
    expect(sent).toEqual(['a1', 'b1']);
    await answer('b1');
    expect(sent).toEqual(['a1', 'b1', 'b2']);
    await answer('a1');
    expect(sent).toEqual(['a1', 'b1', 'b2', 'a2']);
    await answer('a2');
    await answer('b2');
    expect(answered).toEqual(['b1', 'a1', 'a2', 'b2']);
  });

  test('run in order although the subject is named once: by its id it is known', async () => {
    const { sent, submit, answer } = world();
    await submit(write('b1', 'B'), write('a1', 'A'), write('a1'), read('a1'), read(undefined, 'A'));
    expect(sent).toEqual(['b1', 'a1']);
    await answer('a1');
    expect(sent).toEqual(['b1', 'a1', 'a1,a1,A']);
  });

  test('share a batch in the order of their submission, up to its size', async () => {
    const { queue, sent, turns, answer } = world({ maxBatch: 3 });
    for (const id of ['a1', 'a2', 'a3', 'a4']) void queue.submit(write(id, 'A'));
    await turns();
    expect(sent).toEqual(['a1,a2,a3']);
    await answer('a1,a2,a3');
    expect(sent).toEqual(['a1,a2,a3', 'a4']);
  });
});

describe('unrelated commands', () => {
  test('have two batches of writes and one of reads in flight', async () => {
    const { sent, submit, answer } = world();
    await submit(write('a', 'A'), write('b', 'B'), write('c', 'C'), read('d', 'D'));
    await submit(read('e', 'E'));
    expect(sent).toEqual(['a', 'b', 'd']);
    await answer('d');
    expect(sent).toEqual(['a', 'b', 'd', 'e']);
    await answer('a');
    expect(sent).toEqual(['a', 'b', 'd', 'e', 'c']);
  });

  test('take the lane with fewer commands', async () => {
    const { sent, submit, answer } = world();
    await submit(write('a1', 'A'), write('a2', 'A'), write('a3', 'A'));
    await submit(write('b', 'B'), write('c', 'C'));
    expect(sent).toEqual(['a1', 'b']);
    await answer('b');
    expect(sent).toEqual(['a1', 'b', 'c']);
  });
});

describe('a command whose subject is unknown', () => {
  test('follows the only lane in use, and all that come after follow it', async () => {
    const { sent, submit, answer } = world();
    await submit(write('a', 'A'), write('unknown'), write('b', 'B'), read('c', 'C'));
    expect(sent).toEqual(['a']);
    await answer('a');
    expect(sent).toEqual(['a', 'unknown,b,c']);
    await answer('unknown,b,c');
    await submit(write('d', 'D'), write('e', 'E'));
    expect(sent.slice(2)).toEqual(['d', 'e']);
  });

  test('waits for every lane if several are in use, and so do all that come after', async () => {
    const { queue, sent, answered, submit, answer, turns } = world();
    let idle = false;
    await submit(write('a', 'A'), read('b', 'B'), write('unknown'), write('c', 'C'));
    void queue.idle().then(() => {
      idle = true;
    });
    await answer('a');
    expect(sent).toEqual(['a', 'b']);
    await answer('b');
    expect(sent).toEqual(['a', 'b', 'unknown,c']);
    await turns();
    expect(idle).toBe(false);
    await answer('unknown,c');
    expect(answered).toEqual(['a', 'b', 'unknown', 'c']);
    expect(idle).toBe(true);
  });

  test('is one of long ago: of the last 5,000 ids it is known', async () => {
    const { queue, server, sent, submit } = world({ maxQueue: 10_000 });
    server.answersNow = true;
    const ids = Array.from({ length: 5_000 }, (_, index) => `p${index}`);
    await Promise.all(ids.map((id) => queue.submit(write(id, `of ${id}`))));
    server.answersNow = false;
    await submit(write('a', 'A'), write('p0'), write('b', 'B'));
    expect(sent).toEqual(['a', 'p0']);
  });
});

test('a command beyond those that may wait is overloaded; what is in flight does not count', async () => {
  const { queue, answered, submit, answer } = world({ maxQueue: 2 });
  await submit(write('a1', 'A'), write('a2', 'A'), write('a3', 'A'));
  await expect(queue.submit(write('b', 'B'))).rejects.toMatchObject({ code: 'overloaded' });
  await answer('a1');
  await submit(write('b', 'B'));
  await answer('a2,a3');
  await answer('b');
  expect(answered).toEqual(['a1', 'a2', 'a3', 'b']);
});
