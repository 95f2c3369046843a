export {
  type AgeIssuerOptions,
  ageIssuer,
  type IssueRequest,
  type SandboxAgeIssuer,
} from './age-issuer.ts';
export { type FakeStripe, type FakeStripeOptions, fakeStripe } from './fake-stripe.ts';
export { PERSONAS, type Persona } from './personas.ts';
