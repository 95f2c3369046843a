import { assertOptions } from '@spendcap/core';
import { AppStoreError } from './errors.ts';
import { type FakeAppSignature, SIGNATURES } from './signing.ts';
import type { FakeAppNotice, FakeSendAttempt, JsonObject, Mutable, State } from './state.ts';

/** Options of `FakeAppStore.notification` and `signedTransaction`. */
export interface FakeAppSigningOptions {
  /** Default `valid`. */
  readonly signature?: FakeAppSignature;
  /** Members to replace before it is signed; `undefined` leaves one out. */
  readonly changes?: JsonObject;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Hours after the attempt before. The sandbox sends once. */
const RETRY_HOURS = [1, 12, 24, 48, 72];

/** A signature does not depend on when it is made: a notification is signed when it is needed. */
const signed = new WeakMap<FakeAppNotice, string>();

export function signedPayloadOf(state: State, notice: FakeAppNotice): string {
  const text = signed.get(notice) ?? state.signer.sign(notice.payload);
  signed.set(notice, text);
  return text;
}

export function checkSigning(options: FakeAppSigningOptions): void {
  assertOptions('signing', options, { signature: true, changes: true });
  if (!SIGNATURES.includes(options.signature ?? 'valid')) {
    throw new TypeError(`signature: expected one of ${SIGNATURES.join(', ')}`);
  }
}

/** The request that delivers a notification. */
export function requestOf(
  state: State,
  notice: FakeAppNotice,
  options: FakeAppSigningOptions,
): Request {
  checkSigning(options);
  const isPlain = options.signature === undefined && options.changes === undefined;
  const signedPayload = isPlain
    ? signedPayloadOf(state, notice)
    : state.signer.sign({ ...notice.payload, ...options.changes }, options.signature);
  return new Request('https://pay.example.com/app-store', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ signedPayload }),
  });
}

type Endpoint = (request: Request) => Promise<Response>;

export async function deliver(
  state: State,
  notices: readonly FakeAppNotice[],
  endpoint: Endpoint,
): Promise<readonly Response[]> {
  const answers: Response[] = [];
  for (const notice of notices) {
    const answer = await endpoint(requestOf(state, notice, {}));
    const attempts = notice.attempts as Mutable<FakeSendAttempt>[];
    const isTaken = answer.status >= 200 && answer.status <= 206;
    attempts.push({
      attemptDate: state.now(),
      sendAttemptResult: isTaken ? 'SUCCESS' : 'UNSUCCESSFUL_HTTP_RESPONSE_CODE',
    });
    answers.push(answer);
  }
  return answers;
}

/** What Apple would send now: what was never sent, and in Production what is due once more. */
export function dueNotices({ notices, environment, now }: State): readonly FakeAppNotice[] {
  return notices.filter(({ attempts }) => {
    const last = attempts.at(-1);
    if (last === undefined) return true;
    const hours = RETRY_HOURS[attempts.length - 1];
    if (isTaken(attempts) || environment === 'Sandbox' || hours === undefined) return false;
    return now() >= last.attemptDate + hours * HOUR_MS;
  });
}

function isTaken(attempts: readonly FakeSendAttempt[]): boolean {
  return attempts.some(({ sendAttemptResult }) => sendAttemptResult === 'SUCCESS');
}

/** Get Notification History, oldest first. */
export function noticeHistory(state: State, body: JsonObject): readonly FakeAppNotice[] {
  const { startDate, endDate, transactionId, notificationType, notificationSubtype } = body;
  if (!Number.isInteger(startDate)) throw new AppStoreError(4_000_015, 'Invalid start date.');
  if (!Number.isInteger(endDate)) throw new AppStoreError(4_000_016, 'Invalid end date.');
  const [start, end] = [Number(startDate), Number(endDate)];
  if (start > end) throw new AppStoreError(4_000_013, 'The start date is after the end date.');
  const days = state.environment === 'Production' ? 180 : 30;
  if (start < state.now() - days * DAY_MS) {
    throw new AppStoreError(4_000_012, 'The start date is too far in the past.');
  }
  if (transactionId !== undefined && notificationType !== undefined) {
    throw new AppStoreError(4_000_019, 'Multiple filters.');
  }
  return state.notices.filter(
    (notice) =>
      notice.payload.signedDate >= start &&
      notice.payload.signedDate <= end &&
      (transactionId === undefined || transactionId === notice.transactionId) &&
      (notificationType === undefined || notificationType === notice.type) &&
      (notificationSubtype === undefined || notificationSubtype === notice.subtype) &&
      (body.onlyFailures !== true || !isTaken(notice.attempts)),
  );
}

/** Where a page begins; `null` for a token that is none of ours. */
export function startOf(token: string | null): number | null {
  if (token === null) return 0;
  const text = Buffer.from(token, 'base64url').toString();
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}
