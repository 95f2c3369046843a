export {
  type AgeFinding,
  type CombinedAge,
  type CombineOptions,
  combineFindings,
} from './age-finding.ts';
export {
  type AgeEvidence,
  type AgeStatement,
  ANY_AGE,
  ageRangeAt,
  intersectAgeRanges,
  MAX_AGE,
} from './age-range.ts';
export { CURRENCIES, type CurrencyExponent, currencyExponent, isCurrency } from './currency.ts';
export {
  blockingReasons,
  type CountedAge,
  countedAge,
  decide,
  limitsOn,
  type PurchaseFacts,
  type Rules,
  rulesFor,
  unverifiedReason,
  windowOf,
} from './decide.ts';
export type {
  AppliedCharge,
  DeviceCharge,
  DeviceProcessor,
  DeviceTraits,
} from './device-processor.ts';
export {
  invalidRequest,
  SpendcapError,
  type SpendcapErrorCode,
  type SpendcapErrorOptions,
} from './errors.ts';
export { isoText } from './iso-text.ts';
export { escapedNames, parseJson } from './json.ts';
export {
  type ExchangeOptions,
  exchange,
  formatMoney,
  parseAmount,
  parseMoney,
} from './money.ts';
export { assertOptions, checkFields, type OptionNames } from './option-names.ts';
export {
  boundsOf,
  type CalendarPeriod,
  type CivilDate,
  civilDateOf,
  FOREVER,
  isIsoDate,
  isTimeZone,
  type PeriodBounds,
  startOfDate,
} from './period.ts';
export { type CnGameOptions, cnGame } from './policies/cn-game.ts';
export { type CnLiveCaps, type CnLiveOptions, cnLive } from './policies/cn-live.ts';
export { jpTypical } from './policies/jp-typical.ts';
export { usAppStore } from './policies/us-app-store.ts';
export {
  type Band,
  CATEGORY_PATTERN,
  type Limit,
  limitKey,
  type Policy,
  type PolicyDocument,
  parsePolicy,
  policyInForce,
  policyJsonSchema,
} from './policy.ts';
export type {
  CallOutcome,
  DisputeSnapshot,
  Money,
  NotificationDialect,
  NotificationReply,
  NotificationResult,
  PaymentSnapshot,
  Processor,
  ProcessorTraits,
  RawNotification,
  RefundShare,
  RefundSnapshot,
  RefundTotal,
  VerifiedNotification,
} from './processor.ts';
export { type LimitUsage, limitAllowance, type RuleLimit } from './reason.ts';
export type { Store } from './store.ts';
export {
  type AttachCommand,
  type AttachResult,
  type CappedWindow,
  type CommitCommand,
  countedAmount,
  type DoneResult,
  type GetCommand,
  type GetResult,
  MAX_HOLD_MS,
  type OverdueCommand,
  type RecordCommand,
  type RecordResult,
  type RefundCommand,
  type RefundResult,
  type ReleaseCommand,
  type ReserveCommand,
  type ReserveResult,
  type ReverseRefundCommand,
  type Selector,
  type SettleResult,
  type StoredPurchase,
  type UsageCommand,
  type UsageResult,
  type Window,
  type WithExpired,
} from './store-commands.ts';
export {
  type AgeRange,
  type Allowance,
  type Allowed,
  ASSURANCES,
  type Assurance,
  type BatchDecision,
  type Decision,
  type DecisionBatch,
  type LimitAllowance,
  PERIODS,
  type Period,
  type PolicyRow,
  type Problem,
  PURCHASE_STATES,
  type Purchase,
  type PurchaseState,
  REFUSAL_CODES,
  type Reason,
  type RefusalCode,
  type Refused,
  type Reservation,
  ROW_STATUSES,
  type RowStatus,
} from './wire.ts';
