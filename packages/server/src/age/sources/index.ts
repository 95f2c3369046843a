export { type StatusCheck, type StatusListSigner, statusListCheck } from './document-status.ts';
export type { AgeSource, SourceContext, SourceFinding } from './source.ts';
