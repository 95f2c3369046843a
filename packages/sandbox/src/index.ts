export {
  type AgeIssuerOptions,
  ageIssuer,
  type IssueRequest,
  type SandboxAgeIssuer,
} from './age-issuer.ts';
export {
  type FakeCitizen,
  type FakeGame,
  type FakeNppa,
  type FakeNppaOptions,
  type FakeNppaServer,
  type FakeReport,
  fakeNppa,
} from './fake-nppa.ts';
export { type FakeStripe, type FakeStripeOptions, fakeStripe } from './fake-stripe.ts';
export { PERSONAS, type Persona } from './personas.ts';
