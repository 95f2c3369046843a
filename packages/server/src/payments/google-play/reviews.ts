import type { PlayApi } from './client.ts';
import { type JsonObject, textOf } from './fields.ts';

/** A refund that is about to be decided by Google, which listens to the developer for a day. */
export interface GooglePlayReview {
  readonly orderId: string;
  /** Google's number; 7 is a chargeback. `null` if it states none. */
  readonly refundReason: number | null;
  /** The purchase id that `begin` held; `null` if the purchase has none. */
  readonly purchaseId: string | null;
  readonly account: string | null;
  /** Epoch milliseconds: no answer counts after it. */
  readonly answerBefore: number;
}

/** What the developer says of it. Only the first answer counts. */
export interface GooglePlayReviewAnswer {
  /** `APPROVE` gives the money back, for example of a purchase past the caps of a child. */
  readonly refundPreference: 'APPROVE' | 'DECLINE' | 'NEUTRAL';
  /** Whether the player could try it before buying. */
  readonly sampleContentProvided: boolean;
  /** How much was used, in thousandths of a percent: 0 to 100,000. */
  readonly consumptionPercentageMilliunits?: number;
}

/** Picks the answer; `null` for none. */
export type ReviewRefund = (
  review: GooglePlayReview,
) => GooglePlayReviewAnswer | null | Promise<GooglePlayReviewAnswer | null>;

const DAY = 86_400_000;

/** Answers a `pendingRefundReviewNotification`. */
export async function answerReview(
  {
    api,
    reviewRefund,
    now,
  }: {
    readonly api: PlayApi;
    readonly reviewRefund: ReviewRefund | undefined;
    readonly now: () => number;
  },
  { notice, sentAt }: { readonly notice: JsonObject; readonly sentAt: number },
): Promise<void> {
  const orderId = textOf(notice.orderId);
  const pendingRefundToken = textOf(notice.pendingRefundToken);
  const answerBefore = sentAt + DAY;
  if (reviewRefund === undefined || orderId === null || pendingRefundToken === null) return;
  if (now() >= answerBefore) return;
  const { refundReason } = notice;
  const answer = await reviewRefund({
    ...{ orderId, answerBefore },
    refundReason: typeof refundReason === 'number' ? refundReason : null,
    purchaseId: textOf(notice.obfuscatedProfileId),
    account: textOf(notice.obfuscatedAccountId),
  });
  if (answer !== null) await api.review(orderId, { ...answer, pendingRefundToken });
}
