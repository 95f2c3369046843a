export {
  type AgeAuthority,
  type AgeAuthorityOptions,
  type AgeSources,
  ageAuthority,
  type EvidenceFor,
  type IssueOptions,
} from './authority.ts';
export { type AuthorityKey, generateAuthorityKey, type SigningAlgorithm } from './keys.ts';
export type { AgeSource, SourceFinding } from './source.ts';
