import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { createLimiter, type Tracer, type TracerSpan } from '@spendcap/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anyStore } from '../../support/any-store.ts';
import { bought, CHILD, order, setUp } from './limiter-kit.ts';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer('spendcap');

/** The spans that ended during the work. */
async function spansOf(work: () => Promise<unknown>) {
  exporter.reset();
  await work();
  return exporter.getFinishedSpans();
}

describe('spans', () => {
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  });
  afterAll(() => context.disable());

  test('each verb is one span, with the decision and no id, amount or subject', async () => {
    const { limiter } = setUp({ tracer });
    const spans = await spansOf(async () => {
      await limiter.check(order('order-7'));
      await limiter.reserve(order('order-7'));
      await limiter.commit('order-7');
      await limiter.refund('order-7', { id: 'refund-7' });
      await limiter.reverseRefund('order-7', { id: 'refund-7' });
      await limiter.reserve(order('order-8'));
      await limiter.release('order-8');
      await limiter.get('order-8');
      await limiter.record(order('order-9'));
      const named = { processor: 'acme_pay', processorRef: 'reference-9' };
      await limiter.reserve(order('order-10', { processor: named.processor }));
      await limiter.attach('order-10', named);
      await limiter.overdue();
      await limiter.allowance({ evidence: CHILD });
      const products = [{ amount: '1.00', currency: 'CNY' }];
      await limiter.checkMany({ products, evidence: CHILD });
      await limiter.verifyAge({ evidence: CHILD });
    });
    expect(spans.map(({ name }) => name)).toEqual([
      'spendcap.check',
      'spendcap.reserve',
      'spendcap.commit',
      'spendcap.refund',
      'spendcap.reverse_refund',
      'spendcap.reserve',
      'spendcap.release',
      'spendcap.get',
      'spendcap.record',
      'spendcap.reserve',
      'spendcap.attach',
      'spendcap.overdue',
      'spendcap.allowance',
      'spendcap.check_many',
      'spendcap.verify_age',
    ]);
    expect(spans[1]?.attributes).toEqual({ 'spendcap.allowed': true });
    const shown = JSON.stringify(
      spans.map(({ attributes, events, name }) => [attributes, events, name]),
    );
    expect(shown).not.toMatch(/order-|refund-|reference-|child|30\.00/);
  });

  test('a refusal has its codes and is no error', async () => {
    const { limiter } = setUp({ tracer });
    const [span] = await spansOf(() => limiter.reserve(order('a', { amount: '51.00' })));
    expect(span?.attributes).toEqual({
      'spendcap.allowed': false,
      'spendcap.refusal_codes': ['transaction_cap_exceeded'],
    });
    expect(span?.status.code).toBe(SpanStatusCode.UNSET);
  });

  test('a rejection has its code as error.type', async () => {
    const { limiter } = setUp({ tracer });
    const [span] = await spansOf(() => limiter.commit('missing').catch(() => undefined));
    expect(span?.attributes).toEqual({ 'error.type': 'purchase_not_found' });
    expect(span?.status.code).toBe(SpanStatusCode.ERROR);
  });

  test('a call of the store runs inside the span', async () => {
    const parents: (string | undefined)[] = [];
    const store = anyStore();
    const { limiter } = setUp({
      tracer,
      store: {
        ...store,
        get: (command) => {
          parents.push(trace.getActiveSpan()?.spanContext().spanId);
          return store.get(command);
        },
      },
    });
    const [span] = await spansOf(() => limiter.get('a'));
    expect(parents).toEqual([span?.spanContext().spanId]);
  });
});

describe('a tracer that throws', () => {
  const fails = (): never => {
    throw new Error('tracer');
  };
  const quiet: TracerSpan = { setAttribute: () => undefined, setStatus: () => undefined, end() {} };
  const tracers: Record<string, Tracer> = {
    'before the call': { startActiveSpan: fails },
    'after the call': {
      startActiveSpan: (_name, fn) => {
        fn(quiet);
        return fails();
      },
    },
    'by rejecting': { startActiveSpan: (async () => fails()) as never },
    'after it calls late': {
      startActiveSpan: (async (_name: string, fn: (span: TracerSpan) => unknown) => {
        await Promise.resolve();
        fn(quiet);
        return fails();
      }) as never,
    },
    'in each method of a span': {
      startActiveSpan: (_name, fn) =>
        fn({ setAttribute: fails, setStatus: fails, end: fails }) as never,
    },
  };

  test.each(Object.entries(tracers))('%s neither fails nor repeats a verb', async (_, tracer) => {
    const store = anyStore();
    let reserved = 0;
    const { limiter } = setUp({
      tracer,
      store: {
        ...store,
        reserve: (command) => {
          reserved += 1;
          return store.reserve(command);
        },
      },
    });
    expect(bought(await limiter.reserve(order('a'))).held).toBe('30.00');
    expect(reserved).toBe(1);
    await expect(limiter.commit('missing')).rejects.toMatchObject({ code: 'purchase_not_found' });
  });

  test('something that is no tracer is refused at construction', () => {
    const { store } = setUp();
    const options = { policy: setUp().limiter.policy(), store, tracer: {} as Tracer };
    expect(() => createLimiter(options)).toThrow(
      new TypeError('tracer must be an OpenTelemetry Tracer'),
    );
  });
});
