import { type Decision, SpendcapError } from '@spendcap/core';
import { callListener } from './listener.ts';
import type { Limiter } from './types.ts';

/** The part of an OpenTelemetry `Span` that the limiter uses. */
export interface TracerSpan {
  /** Sets an attribute. */
  setAttribute(key: string, value: string | boolean | string[]): unknown;
  /** Sets the status code. */
  setStatus(status: { code: number }): unknown;
  /** Ends the span. */
  end(): void;
}

/** The part of an OpenTelemetry `Tracer` that the limiter uses. */
export interface Tracer {
  /**
   * Runs `fn` with a new span as the active one.
   *
   * @typeParam F the type of `fn`
   */
  startActiveSpan<F extends (span: TracerSpan) => unknown>(name: string, fn: F): ReturnType<F>;
}

/** `SpanStatusCode.ERROR` of `@opentelemetry/api`, whose numbers its specification fixes. */
const STATUS_ERROR = 2;

/**
 * The same limiter with one span for each call: `spendcap.reserve` and so on. A span holds no id,
 * amount or subject. A decision sets `spendcap.allowed`, and `spendcap.refusal_codes` if refused; a
 * rejection sets the status and `error.type`, the SpendcapError's code or else the error's name.
 *
 * Invariant: each call runs its verb exactly once, whatever the tracer throws.
 */
export function traced(limiter: Limiter, tracer: Tracer): Limiter {
  const span =
    <A extends readonly unknown[], R>(verb: string, call: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> => {
      let result: Promise<R> | undefined;
      ignoringErrors(() =>
        tracer.startActiveSpan(`spendcap.${verb}`, (active) => {
          if (result !== undefined) return;
          result = call(...args);
          void record(active, result);
        }),
      );
      result ??= call(...args);
      return result;
    };
  return {
    ...limiter,
    reserve: span('reserve', limiter.reserve),
    verifyAge: span('verify_age', limiter.verifyAge),
    check: span('check', limiter.check),
    checkMany: span('check_many', limiter.checkMany),
    allowance: span('allowance', limiter.allowance),
    commit: span('commit', limiter.commit),
    release: span('release', limiter.release),
    record: span('record', limiter.record),
    attach: span('attach', limiter.attach),
    refund: span('refund', limiter.refund),
    reverseRefund: span('reverse_refund', limiter.reverseRefund),
    get: span('get', limiter.get),
    overdue: span('overdue', limiter.overdue),
  };
}

async function record(span: TracerSpan, result: Promise<unknown>): Promise<void> {
  try {
    const value = await result;
    if (isDecision(value)) ignoringErrors(() => recordDecision(span, value));
  } catch (error) {
    ignoringErrors(() => {
      span.setAttribute('error.type', errorType(error));
      span.setStatus({ code: STATUS_ERROR });
    });
  }
  ignoringErrors(() => span.end());
}

function recordDecision(span: TracerSpan, decision: Decision): void {
  span.setAttribute('spendcap.allowed', decision.allowed);
  if (decision.allowed) return;
  const codes = decision.reasons.map(({ code }) => code);
  span.setAttribute('spendcap.refusal_codes', codes);
}

function isDecision(value: unknown): value is Decision {
  return typeof value === 'object' && value !== null && 'allowed' in value;
}

function errorType(error: unknown): string {
  if (SpendcapError.isInstance(error)) return error.code;
  return error instanceof Error ? error.name : '_OTHER';
}

/** Tracing never fails a purchase. */
function ignoringErrors(work: () => unknown): void {
  // The tracer's own diagnostics report it.
  callListener(work, () => undefined);
}
