import type { Reason } from '@spendcap/core/wire';

/** A text and the reason with its values. */
export interface Sentence {
  /** A `MessageKey`, or one for which there is no text. */
  readonly key: string;
  readonly reason: Reason;
}

/** Codes that leave nothing else to say, strongest first. */
const ALONE = [
  'forbidden_for_age',
  'frozen_by_guardian',
  'currency_not_supported',
  'age_unverified',
];

/** Codes that may be said together. Any other may be stronger than these. */
const TOGETHER = /_cap_exceeded$|^(age_not_precise|forbidden_category|guardian_approval_required)$/;

/**
 * What to say about a refusal, in order. What a stronger reason makes moot is left out, and of
 * several limits only the tightest is named. Empty if only the text for unknown codes fits.
 */
export function sentencesOf(reasons: readonly Reason[]): readonly Sentence[] {
  const find = (code: string) => reasons.find((reason) => reason.code === code);
  const precise = find('age_not_precise');
  const category = find('forbidden_category');
  // A proof of age lifts the ban.
  const isBanned = category ?? find('forbidden_for_age');
  const only = (isBanned && precise) ?? ALONE.map(find).find((reason) => reason !== undefined);
  if (only !== undefined) return say(only);
  if (!reasons.every(({ code }) => TOGETHER.test(code))) return [];
  const cap = capSentences(
    // A limit on a forbidden category is moot.
    reasons.filter(({ code, limit }) => /_cap_/.test(code) && !(category && limit?.categories)),
  );
  return [
    ...say(precise),
    ...say(category),
    ...(category && cap.length === 0 ? [{ key: 'something_else', reason: category }] : cap),
    ...(precise ? [] : say(find('guardian_approval_required'))),
  ];
}

function say(reason: Reason | undefined): readonly Sentence[] {
  if (reason === undefined) return [];
  const { code, provableAge } = reason;
  // Without an age there is nothing to prove, but still an age to confirm.
  const isVague = code === 'age_not_precise' && !Number(provableAge);
  return [{ key: isVague ? 'age_unverified' : code, reason }];
}

/**
 * Names the limit that leaves least; of several the one that lasts longest, then the one that
 * counts everything.
 */
function capSentences(reasons: readonly Reason[]): readonly Sentence[] {
  const left = ({ limit }: Reason) => (limit?.remaining ?? '').padStart(24);
  const lasts = ({ limit }: Reason) => (limit?.resetsAt ?? '~') + (limit?.categories ? '' : '~');
  const [reason] = [...reasons].sort((one, other) => {
    if (left(one) !== left(other)) return left(one) < left(other) ? -1 : 1;
    return lasts(one) > lasts(other) ? -1 : 1;
  });
  if (reason === undefined) return [];
  const { code, limit } = reason;
  const key = code.replace(/^(day|week|month|year)_/, '');
  const isUsedUp = /^[0.]+$/.test(limit?.remaining ?? '');
  return [
    { key: isUsedUp ? key.replace('exceeded', 'reached') : key, reason },
    ...(limit?.categories ? [{ key: 'category_limit', reason }] : []),
  ];
}
