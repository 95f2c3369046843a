export {
  type AgeEvidence,
  type AgeRange,
  type AgeStatement,
  type Allowance,
  type CnGameOptions,
  type CnLiveOptions,
  cnGame,
  cnLive,
  type Decision,
  jpTypical,
  type LimitAllowance,
  type Policy,
  type PolicyDocument,
  type Purchase,
  type PurchaseState,
  parsePolicy,
  type Reason,
  type RefusalCode,
  type Refused,
  type Reservation,
  SpendcapError,
  type SpendcapErrorCode,
  type Store,
  usAppStore,
} from '@spendcap/core';
export {
  type AgeIssuer,
  type AgeTokenFault,
  type AgeTokenOptions,
  ageTokens,
} from './age-token.ts';
export { createHandler, type HandlerOptions } from './handler.ts';
export { createLimiter, type LimiterOptions } from './limiter.ts';
export { generatePermitKey, permits, verifyPermit } from './permit.ts';
export type {
  AgeVerifier,
  AllowanceRequest,
  DecisionRequest,
  Exchange,
  Limiter,
  PermitClaims,
  PermitSigner,
  Player,
  PurchaseRequest,
  SpendcapEvent,
} from './types.ts';
