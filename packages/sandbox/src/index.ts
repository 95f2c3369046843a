export {
  type AgeIssuerOptions,
  ageIssuer,
  type IssueRequest,
  type SandboxAgeIssuer,
} from './age-issuer.ts';
export { PERSONAS, type Persona } from './personas.ts';
