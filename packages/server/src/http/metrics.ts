import type { Decision } from '@spendcap/core';
import { Counter, Histogram, Registry, type RegistryContentType } from 'prom-client';

/** The options of a metric, which a registered metric still has as properties. */
interface Spec {
  readonly type: 'counter' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly buckets?: number[];
}

const REQUESTS: Spec = {
  type: 'counter',
  name: 'spendcap_requests_total',
  help: 'Responses by route and status.',
  labelNames: ['route', 'status'],
};
const DURATIONS: Spec = {
  type: 'histogram',
  name: 'spendcap_request_duration_seconds',
  help: 'Time until the response was ready.',
  labelNames: ['route'],
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
};
const DECISIONS: Spec = {
  type: 'counter',
  name: 'spendcap_decisions_total',
  help: 'Decisions by outcome and first refusal code.',
  labelNames: ['outcome', 'code'],
};

/** In either format, Prometheus or OpenMetrics. */
type MetricsRegistry = Registry<RegistryContentType>;

export interface Metrics {
  readonly registry: MetricsRegistry;
  /** Call once for each route; the result counts a response. */
  route(route: string): (status: number, seconds: number) => void;
  /** Counts the first reason, so that the sum over the codes is the number of refusals. */
  decided(decision: Decision): void;
}

/**
 * The metrics of a handler. Labels have few values by construction and never name a subject.
 * Handlers that share a registry add up.
 *
 * @throws TypeError if `registry` is none, or has another metric of one of these names
 */
export function createMetrics(registry: MetricsRegistry = new Registry()): Metrics {
  if (typeof registry?.getSingleMetric !== 'function') {
    throw new TypeError('registry must be a Registry of prom-client');
  }
  const requests = registered(registry, REQUESTS, Counter);
  const durations = registered(registry, DURATIONS, Histogram);
  const decisions = registered(registry, DECISIONS, Counter);
  // A rate needs the first sample before the first decision.
  decisions.inc({ outcome: 'allowed', code: '' }, 0);
  return {
    registry,
    route(route) {
      const duration = durations.labels(route);
      const byStatus = new Map<number, Counter.Internal>();
      return (status, seconds) => {
        let count = byStatus.get(status);
        if (count === undefined) {
          count = requests.labels(route, `${status}`);
          byStatus.set(status, count);
        }
        count.inc();
        duration.observe(seconds);
      };
    },
    decided(decision) {
      const code = decision.allowed ? '' : decision.reasons[0].code;
      decisions.inc({ outcome: decision.allowed ? 'allowed' : 'refused', code });
    },
  };
}

/** Two handlers of one registry use the same metric: it may be registered only once. */
function registered<M>(
  registry: MetricsRegistry,
  spec: Spec,
  Kind: new (made: Spec & { registers: MetricsRegistry[] }) => M,
): M {
  const existing: unknown = registry.getSingleMetric(spec.name);
  if (existing === undefined) return new Kind({ ...spec, registers: [registry] });
  if (shapeOf(existing as Spec) === shapeOf(spec)) return existing as M;
  throw new TypeError(`registry has another metric named ${spec.name}`);
}

/** No `instanceof`: the caller's prom-client may be another copy. */
function shapeOf({ type, labelNames, buckets }: Spec): string {
  return JSON.stringify([type, labelNames, buckets]);
}
