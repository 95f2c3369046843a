import { invalidParameter, missing } from './errors.ts';
import { type FormObject, textIn } from './form.ts';
import type { FakePaymentIntent } from './objects.ts';
import type { State } from './state.ts';

/** @throws ApiError 404 */
export function findPayment(state: State, id: string): FakePaymentIntent {
  const payment = state.paymentIntents.get(id);
  if (payment === undefined) throw missing('payment_intent', id);
  return payment;
}

/** @throws ApiError 400 unless it is an integer above zero */
export function integerIn(params: FormObject, name: string): number {
  const text = textIn(params, name);
  if (text === undefined) throw invalidParameter(name, `Missing ${name}.`, 'parameter_missing');
  if (!/^[1-9][0-9]*$/.test(text)) {
    throw invalidParameter(name, `Invalid integer: ${name}.`, 'parameter_invalid_integer');
  }
  return Number(text);
}
