export { type StatusCheck, type StatusListSigner, statusListCheck } from './document-status.ts';
export type { AgeSource, SourceFinding, SourceQuestion } from './source.ts';
