import {
  assertOptions,
  type DeviceCharge,
  type NotificationDialect,
  type NotificationReply,
  type NotificationResult,
  type PaymentSnapshot,
  type Processor,
  SpendcapError,
  type VerifiedNotification,
} from '@spendcap/core';
import { applyDeviceCharge } from './apply-charge.ts';
import { applySnapshot } from './apply-snapshot.ts';
import { withDeadline } from './deadline.ts';
import { ANY_DEPS, type AnyDeps, type DeviceDeps, depsOfKind, type PaymentDeps } from './deps.ts';
import { notify, type PaymentProblem } from './problems.ts';
import { readBody } from './raw-body.ts';

/** Options of `processorWebhook`. */
export type ProcessorWebhookOptions = AnyDeps;

/** What handling a notification needs. `Said` is what its messages say. */
interface Handling<Said> {
  readonly processor: Pick<Processor, 'name' | 'outcomeOf'>;
  readonly dialect: NotificationDialect<Said>;
  readonly now: () => number;
  readonly onProblem: PaymentDeps['onProblem'];
  /** Applies one of the things that a message says. */
  apply(said: Said, message: Named): Promise<NotificationResult>;
}

/** Set by the adapters on a Request whose body was parsed and serialised again. */
const PARSED_BODY = Symbol.for('spendcap.parsed-body');

/**
 * The endpoint for a processor's notifications: a function of a Fetch `Request` with an unread
 * body. It verifies the raw bytes, applies what they say, and answers in the processor's words and
 * within its deadline. Notifications may arrive late, repeatedly and in any order. A handler that
 * was reached through a body parser answers 500, because nothing can be verified then.
 *
 * @throws TypeError for an invalid option, or a processor without notifications
 */
export function processorWebhook(
  given: ProcessorWebhookOptions,
): (request: Request) => Promise<Response> {
  assertOptions('processorWebhook', given, ANY_DEPS);
  const deps = depsOfKind(given);
  return 'device' in deps
    ? endpointOf(chargesOf(deps.device))
    : endpointOf(snapshotsOf(deps.server));
}

function endpointOf<Said>(handling: Handling<Said>): (request: Request) => Promise<Response> {
  const { dialect } = handling;
  const { method = 'POST' } = dialect;
  return async (request) => {
    if (request.method !== method) {
      return new Response(null, { status: 405, headers: { allow: method } });
    }
    if (isConsumed(request)) return refuseParsedBody(handling);
    const result = await inTime(dialect.deadlineMs, () => received(handling, request));
    return result === 'parsed' ? refuseParsedBody(handling) : respond(dialect.reply(result));
  };
}

function snapshotsOf(deps: PaymentDeps): Handling<PaymentSnapshot> {
  const { processor, now = Date.now, onProblem } = deps;
  const dialect = dialectOf(processor.name, processor.notifications);
  const handling = { processor, dialect, now, onProblem };
  return {
    ...handling,
    async apply(snapshot, message) {
      const { result, rejected } = await applySnapshot(deps, snapshot);
      for (const each of rejected) {
        report(handling, message, { ...each, purchaseId: snapshot.purchaseId });
      }
      return result;
    },
  };
}

function chargesOf(deps: DeviceDeps): Handling<DeviceCharge> {
  const { processor, now = Date.now, onProblem } = deps;
  const dialect = dialectOf(processor.name, processor.notifications);
  const handling = { processor, dialect, now, onProblem };
  return {
    ...handling,
    async apply(charge, message) {
      const named = (problem: PaymentProblem) => report(handling, message, problem);
      const { result } = await applyDeviceCharge({ ...deps, onProblem: named }, charge);
      return result === 'unattributed' ? 'ignored' : 'settled';
    },
  };
}

function dialectOf<Said>(
  name: string,
  dialect: NotificationDialect<Said> | undefined,
): NotificationDialect<Said> {
  if (dialect === undefined) {
    throw new TypeError(`${name}: its processor was made without the option for notifications`);
  }
  return dialect;
}

/** A handler before this one has read the body, or is reading it. */
function isConsumed({ bodyUsed, body }: Request): boolean {
  return bodyUsed || body?.locked === true;
}

async function received<Said>(
  options: Handling<Said>,
  request: Request,
): Promise<NotificationResult | 'parsed'> {
  let body: Uint8Array | null;
  try {
    body = await readBody(request, options.dialect.maxBytes);
  } catch {
    // The sender went away before the end.
    return 'retry';
  }
  if (body === null) return 'too_large';
  return PARSED_BODY in request ? 'parsed' : handle(options, request, body);
}

function respond({ status, contentType, body }: NotificationReply): Response {
  const headers = contentType === undefined ? {} : { 'content-type': contentType };
  return new Response(body ?? null, { status, headers });
}

/** `retry` if it takes longer. What was begun goes on, and the next delivery finds it done. */
async function inTime<T>(
  deadlineMs: number | undefined,
  work: () => Promise<T>,
): Promise<T | 'retry'> {
  return deadlineMs === undefined ? work() : withDeadline(deadlineMs, work, () => 'retry');
}

async function handle<Said>(
  options: Handling<Said>,
  request: Request,
  body: Uint8Array,
): Promise<NotificationResult> {
  const { dialect, now } = options;
  const { url } = request;
  const header = (name: string) => request.headers.get(name);
  let message: VerifiedNotification | 'refused' | null;
  try {
    message = await dialect.verify({ url, header, body }, now());
  } catch (error) {
    return unverified(options, error);
  }
  if (message === null || message === 'refused') {
    const text =
      message === null
        ? 'The signature or age of a notification is wrong. Check the secret and the clock.'
        : 'A notification is for another merchant or app.';
    report(options, NO_MESSAGE, { code: 'webhook_invalid', message: text });
    return message === null ? 'forged' : 'refused';
  }
  try {
    return await applyAll(options, message);
  } catch (error) {
    return failed(options, message, error);
  }
}

/** The notification that a problem came with, if one could be read. */
type Named = Pick<VerifiedNotification, 'id' | 'type'> | typeof NO_MESSAGE;
const NO_MESSAGE = { id: null, type: null };

async function applyAll<Said>(
  { dialect, apply }: Handling<Said>,
  message: VerifiedNotification,
): Promise<NotificationResult> {
  const results: NotificationResult[] = [];
  for (const said of await dialect.read(message)) results.push(await apply(said, message));
  if (results.includes('refused')) return 'refused';
  return results.includes('settled') ? 'settled' : 'ignored';
}

/**
 * What verifying threw: the sender's keys cannot be had. Reported although it is delivered again,
 * because until then nothing of this processor is applied.
 */
function unverified(options: Reporting, error: unknown): 'retry' {
  const { processor } = options;
  const message = `A notification of ${processor.name} could not be verified yet.`;
  const { code, message: text } = SpendcapError.isInstance(error)
    ? error
    : ({ code: 'outcome_unknown', message } as const);
  report(options, NO_MESSAGE, { code, message: text });
  return 'retry';
}

/**
 * What the ledger or a query of the processor threw. A definite rejection is reported and not
 * requested again, since a retry would not help.
 */
function failed(options: Reporting, message: Named, error: unknown): NotificationResult {
  const { processor } = options;
  if (SpendcapError.isInstance(error)) {
    if (error.retryable) return 'retry';
    report(options, message, { code: error.code, message: error.message });
    return 'ignored';
  }
  const isRejected = processor.outcomeOf(error) === 'rejected';
  report(options, message, {
    code: isRejected ? 'purchase_not_found' : 'outcome_unknown',
    message: isRejected
      ? `${processor.name} rejected a query about a notification.`
      : `A notification of ${processor.name} could not be read or queried.`,
  });
  return isRejected ? 'ignored' : 'retry';
}

/** Even if this body happens to verify: the next one, spaced differently, would not. */
function refuseParsedBody(options: Reporting): Response {
  const code = 'webhook_body_parsed';
  const message =
    'A body parser consumed the signed bytes. Mount the webhook before it, or keep `rawBody`.';
  if (options.onProblem === undefined) process.emitWarning(message, 'SpendcapWarning');
  report(options, NO_MESSAGE, { code, message });
  return Response.json({ received: false, outcome: code, detail: message }, { status: 500 });
}

type Reporting = Pick<Handling<never>, 'processor' | 'onProblem'>;
type Reported = Pick<PaymentProblem, 'code' | 'message'> &
  Partial<Pick<PaymentProblem, 'purchaseId'>>;

function report(
  { processor, onProblem }: Reporting,
  { id, type }: Named,
  { code, message, purchaseId = null }: Reported,
): void {
  const where = { processor: processor.name, purchaseId, messageId: id, messageType: type };
  notify('onProblem', onProblem, { ...where, code, message });
}
