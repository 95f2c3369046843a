import {
  type DeviceCharge,
  type DeviceProcessor,
  type OptionNames,
  type Processor,
  SpendcapError,
} from '@spendcap/core';
import type { Limiter, RecordRequest } from '../limiter/types.ts';
import type { PaymentProblem } from './problems.ts';

/** What every part of the engine needs. */
export interface PaymentDeps {
  readonly processor: Processor;
  readonly limiter: Limiter;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /**
   * Called for everything that an operator should look at, because no retry would help: what the
   * ledger rejected permanently, and of notifications what was forged, refused or came through a
   * body parser (by default a process warning). Also while the keys that verify them cannot be had.
   */
  readonly onProblem?: (problem: PaymentProblem) => unknown;
}

/** Who paid for a charge without a hold, and what the store does not say about it. */
export type DevicePayer = Pick<
  RecordRequest,
  'ageToken' | 'proof' | 'evidence' | 'samePlayerAs' | 'category' | 'app'
>;

/** The same for charges that start on a device. */
export interface DeviceDeps extends Omit<PaymentDeps, 'processor'> {
  readonly processor: DeviceProcessor;
  /**
   * Whose account a charge is that has no hold and follows no earlier purchase; `null` if that is
   * unknown, and nothing is recorded. Default: the player who confirms it, or nobody.
   */
  readonly playerOf?: (charge: DeviceCharge) => DevicePayer | null | Promise<DevicePayer | null>;
}

const PAYMENT_DEPS: OptionNames<PaymentDeps> = {
  processor: true,
  limiter: true,
  now: true,
  onProblem: true,
};

export const ANY_DEPS: OptionNames<AnyDeps> = { ...PAYMENT_DEPS, playerOf: true };

/** @throws TypeError if one is required and missing, or no such thing */
export function checkDeps({ processor, limiter, now, onProblem }: PaymentDeps): void {
  if (typeof processor?.outcomeOf !== 'function' || typeof processor.query !== 'function') {
    throw new TypeError('processor must be a Processor');
  }
  checkLimiter(limiter);
  checkNow(now);
  checkListener('onProblem', onProblem);
}

/** @throws TypeError if one is required and missing, or no such thing */
export function checkDeviceDeps(deps: DeviceDeps): void {
  const { processor, limiter, now, onProblem, playerOf } = deps;
  if (typeof processor?.outcomeOf !== 'function' || processor.traits?.startedBy !== 'device') {
    throw new TypeError('processor must be a DeviceProcessor');
  }
  checkLimiter(limiter);
  checkNow(now);
  checkListener('onProblem', onProblem);
  checkListener('playerOf', playerOf);
}

/** What works for a processor as for a store on the device. */
export interface AnyDeps extends Omit<DeviceDeps, 'processor'> {
  readonly processor: Processor | DeviceProcessor;
}

/** The same by its kind. */
type DepsOfKind = { readonly device: DeviceDeps } | { readonly server: PaymentDeps };

/** @throws TypeError if one is required and missing, or no such thing */
export function depsOfKind({ processor, playerOf, ...rest }: AnyDeps): DepsOfKind {
  if (isOnDevice(processor)) {
    const device = { ...rest, processor, ...(playerOf === undefined ? {} : { playerOf }) };
    checkDeviceDeps(device);
    return { device };
  }
  if (playerOf !== undefined) throw new TypeError('playerOf: only for a store on the device');
  const server = { ...rest, processor };
  checkDeps(server);
  return { server };
}

function isOnDevice(processor: AnyDeps['processor']): processor is DeviceProcessor {
  return processor?.traits?.startedBy === 'device';
}

function checkListener(name: string, listener: unknown): void {
  if (listener !== undefined && typeof listener !== 'function') {
    throw new TypeError(`${name} must be a function`);
  }
}

export function checkLimiter(limiter: Limiter): void {
  if (typeof limiter?.reserve !== 'function') {
    throw new TypeError('limiter must be a Limiter, such as createLimiter(...)');
  }
}

/** @throws TypeError for a time limit that is no whole number of milliseconds above 0 */
export function checkTimeout(timeoutMs: number): void {
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1) {
    throw new TypeError('timeoutMs: expected a whole number above 0');
  }
}

export function checkNow(now: (() => number) | undefined): void {
  if (now !== undefined && typeof now !== 'function') {
    throw new TypeError('now must be a function that returns epoch milliseconds');
  }
}

/** The listener of a guard's options, if there is one. @throws TypeError if it is no function */
export function listenerOf({
  onProblem,
}: Pick<PaymentDeps, 'onProblem'>): Pick<PaymentDeps, 'onProblem'> {
  checkListener('onProblem', onProblem);
  return onProblem === undefined ? {} : { onProblem };
}

/** A call that would move money without a hold. */
export function forbidden(message: string): SpendcapError {
  return new SpendcapError('payment_forbidden', message);
}
