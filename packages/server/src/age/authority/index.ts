export {
  type AgeAuthority,
  type AgeAuthorityOptions,
  type AgeSources,
  ageAuthority,
  type EvidenceFor,
  type IssueOptions,
} from './authority.ts';
export { type AuthorityKey, generateAuthorityKey, type SigningAlgorithm } from './keys.ts';
export type { StatusListOptions } from './revocation.ts';
export {
  memoryStatusStore,
  STATUS_LIST_PLACES,
  type StatusPlace,
  type StatusStore,
} from './status-store.ts';
