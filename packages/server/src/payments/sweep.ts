import type { AppliedCharge, DeviceCharge } from '@spendcap/core';
import { applyDeviceCharge } from './apply-charge.ts';
import type { DeviceDeps } from './deps.ts';
import type { Reconciled, ReconcileOutcome } from './reconciled.ts';
import { inTurn } from './turns.ts';

/** What a charge came to, as the outcome of a hold. */
const OUTCOMES: Readonly<Record<AppliedCharge['result'], ReconcileOutcome>> = {
  ...{ committed: 'committed', late: 'committed', recorded: 'committed' },
  ...{ free: 'released', cancelled: 'released' },
  ...{ pending: 'open', unattributed: 'open' },
};

/** Applies a charge that the store lists, after what it has listed of the same charge before. */
export async function sweptCharge(deps: DeviceDeps, charge: DeviceCharge): Promise<Reconciled> {
  const turn = `${deps.processor.name}:${charge.reference}`;
  try {
    const apply = () => applyDeviceCharge(deps, charge);
    const { result, purchase } = await inTurn(deps.limiter, turn, apply);
    return { purchaseId: purchase?.id ?? null, outcome: OUTCOMES[result] };
  } catch (error) {
    return { purchaseId: charge.purchaseId, outcome: 'failed', error };
  }
}

/** @throws TypeError for a store that lists nothing, or an instant that is none */
export function listedSince(
  { processor, now = Date.now }: DeviceDeps,
  since = now() - LOOK_BACK_MS,
): AsyncIterable<DeviceCharge> {
  if (!Number.isSafeInteger(since)) throw new TypeError('since: expected epoch milliseconds');
  if (processor.sweep === undefined) throw new TypeError(`${processor.name} lists no charges`);
  return processor.sweep(since);
}

/** A week: longer than stores repeat a notification. */
const LOOK_BACK_MS = 7 * 86_400_000;
