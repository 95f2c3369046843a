import { Counter, Histogram, Registry, type RegistryContentType } from 'prom-client';
import type { Metrics } from '../types.ts';

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

/**
 * The metrics of a handler in Prometheus text format, by prom-client. Labels have few values by
 * construction and never name a subject. An entry of its own, because prom-client is CommonJS,
 * which esbuild cannot bundle into an ES module.
 *
 * @param registry served whole by `/metrics`; handlers that share one add up. Default: a new one
 * @throws TypeError if it is not a registry, or has another metric of one of these names
 * @example
 * ```ts
 * import { cnGame, createHandler, createLimiter } from '@spendcap/server';
 * import { prometheusMetrics } from '@spendcap/server/http/metrics';
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
 * const apiKeys = ['an-example-key-of-a-test'];
 * const handler = createHandler(limiter, { apiKeys, metrics: prometheusMetrics() });
 * const headers = { authorization: `Bearer ${apiKeys[0]}` };
 * const response = await handler(new Request('http://localhost/metrics', { headers }));
 * response.status; // => 200
 * ```
 */
export function prometheusMetrics(
  registry: Registry<RegistryContentType> = new Registry(),
): Metrics {
  if (typeof registry?.getSingleMetric !== 'function') {
    throw new TypeError('registry must be a Registry of prom-client');
  }
  const requests = registered(registry, REQUESTS, Counter);
  const durations = registered(registry, DURATIONS, Histogram);
  const decisions = registered(registry, DECISIONS, Counter);
  // A rate needs the first sample before the first decision.
  decisions.inc({ outcome: 'allowed', code: '' }, 0);
  return {
    route(route) {
      const duration = durations.labels(route);
      const byStatus = new Map<number, Counter.Internal>();
      return ({ status, seconds }) => {
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
      // By the first reason, so that the sum over the codes is the number of refusals.
      const code = decision.allowed ? '' : decision.reasons[0].code;
      decisions.inc({ outcome: decision.allowed ? 'allowed' : 'refused', code });
    },
    exposition: async () => ({
      contentType: registry.contentType,
      text: await registry.metrics(),
    }),
  };
}

/** Two handlers of one registry use the same metric: it may be registered only once. */
function registered<M>(
  registry: Registry<RegistryContentType>,
  spec: Spec,
  Kind: new (made: Spec & { registers: Registry<RegistryContentType>[] }) => M,
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
