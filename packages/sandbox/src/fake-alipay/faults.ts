import { assertOptions } from '@spendcap/core';

/**
 * A fault of the next matching call:
 * - `refuse`: answers 40004 with `subCode`, without executing the call
 * - `unavailable`: answers 20000 `isp.unknow-error`, without executing the call
 * - `limited`: answers 40005 `isv.app-call-limited` (v3: HTTP 429), without executing the call
 * - `status`: answers the HTTP status `status`, without executing the call
 * - `running`: `alipay.trade.pay` answers 10003; the buyer still has to pay
 * - `failed`: executes the call and answers 40004 `ACQ.SYSTEM_ERROR`
 * - `unsigned`, `forged`: executes the call; the answer has no signature, or another key's
 * - `drop`: executes the call and closes the connection without a response
 * - `drop_before`: closes the connection without executing the call
 * - `delay`: executes the call after `milliseconds`
 */
export interface FakeAlipayFault {
  readonly kind: FaultKind;
  /** Only calls whose method (`alipay.trade.query`) contains this. */
  readonly on?: string;
  /** Number of calls. Default 1. */
  readonly times?: number;
  /** With `refuse`. Default `ACQ.ACCESS_FORBIDDEN`. */
  readonly subCode?: string;
  /** With `status`. Default 500. */
  readonly status?: number;
  /** With `delay`. Default 50. */
  readonly milliseconds?: number;
}

const KINDS = [
  'refuse',
  'unavailable',
  'limited',
  'status',
  'running',
  'failed',
  'unsigned',
  'forged',
  'drop',
  'drop_before',
  'delay',
] as const;

type FaultKind = (typeof KINDS)[number];

/** The pending faults. */
export function faultList() {
  const faults: { readonly fault: FakeAlipayFault; left: number }[] = [];
  return {
    add(fault: FakeAlipayFault): void {
      assertOptions('fail', fault, {
        kind: true,
        on: true,
        times: true,
        subCode: true,
        status: true,
        milliseconds: true,
      });
      if (!KINDS.includes(fault.kind)) {
        throw new TypeError(`kind: expected one of ${KINDS.join(', ')}`);
      }
      faults.push({ fault, left: fault.times ?? 1 });
    },
    clear(): void {
      faults.length = 0;
    },
    take(method: string): FakeAlipayFault | undefined {
      const found = faults.find(({ fault, left }) => left > 0 && method.includes(fault.on ?? ''));
      if (found !== undefined) found.left -= 1;
      return found?.fault;
    },
  };
}
