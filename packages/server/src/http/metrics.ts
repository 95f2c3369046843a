import type { Decision } from '@spendcap/core';

const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const;

/** The figures of one route. Plain numbers in place, so that counting costs next to nothing. */
export interface RouteMetrics {
  readonly route: string;
  readonly byStatus: Map<number, number>;
  /** One count for each bucket, and a last one for what took longer. */
  readonly buckets: number[];
  sumSeconds: number;
}

export interface Metrics {
  /** Call once for each route. */
  route(route: string): RouteMetrics;
  /** Counted by the first reason, so that the sum over the codes is the number of refusals. */
  decided(decision: Decision): void;
  /** Prometheus text format, version 0.0.4. */
  text(): string;
}

/** Adds one answer to a route's figures. */
export function observe(metrics: RouteMetrics, status: number, seconds: number): void {
  metrics.byStatus.set(status, (metrics.byStatus.get(status) ?? 0) + 1);
  let bucket = 0;
  while (bucket < BUCKETS_SECONDS.length && seconds > (BUCKETS_SECONDS[bucket] ?? 0)) bucket++;
  metrics.buckets[bucket] = (metrics.buckets[bucket] ?? 0) + 1;
  metrics.sumSeconds += seconds;
}

/** Counters of one handler; labels have few values by construction and never name a subject. */
export function createMetrics(): Metrics {
  const routes: RouteMetrics[] = [];
  const refusals = new Map<string, number>();
  let allowed = 0;
  return {
    route(route) {
      const buckets = new Array<number>(BUCKETS_SECONDS.length + 1).fill(0);
      const metrics = { route, byStatus: new Map(), buckets, sumSeconds: 0 };
      routes.push(metrics);
      return metrics;
    },
    decided(decision) {
      if (decision.allowed) {
        allowed++;
        return;
      }
      const { code } = decision.reasons[0];
      refusals.set(code, (refusals.get(code) ?? 0) + 1);
    },
    text() {
      return [...decisionLines(allowed, refusals), ...routeLines(routes), ''].join('\n');
    },
  };
}

function decisionLines(allowed: number, refusals: ReadonlyMap<string, number>): string[] {
  return [
    '# HELP spendcap_decisions_total Decisions by outcome and first refusal code.',
    '# TYPE spendcap_decisions_total counter',
    `spendcap_decisions_total{outcome="allowed",code=""} ${allowed}`,
    ...[...refusals].map(
      ([code, count]) => `spendcap_decisions_total{outcome="refused",code="${code}"} ${count}`,
    ),
  ];
}

function routeLines(routes: readonly RouteMetrics[]): string[] {
  return [
    '# HELP spendcap_requests_total Answers by route and status.',
    '# TYPE spendcap_requests_total counter',
    ...routes.flatMap(({ route, byStatus }) =>
      [...byStatus].map(
        ([status, count]) =>
          `spendcap_requests_total{route="${route}",status="${status}"} ${count}`,
      ),
    ),
    '# HELP spendcap_request_duration_seconds Time until the answer was ready.',
    '# TYPE spendcap_request_duration_seconds histogram',
    ...routes.flatMap(histogramLines),
  ];
}

function histogramLines({ route, buckets, sumSeconds }: RouteMetrics): string[] {
  const name = 'spendcap_request_duration_seconds';
  let count = 0;
  const lines = buckets.map((inBucket, index) => {
    count += inBucket;
    return `${name}_bucket{route="${route}",le="${BUCKETS_SECONDS[index] ?? '+Inf'}"} ${count}`;
  });
  return [
    ...lines,
    `${name}_sum{route="${route}"} ${sumSeconds}`,
    `${name}_count{route="${route}"} ${count}`,
  ];
}
