export {
  type AgeIssuerOptions,
  ageIssuer,
  type IssueRequest,
  type SandboxAgeIssuer,
} from './age-issuer.ts';
export type { FakeNppaApi, FakeNppaCall, FakeNppaFault } from './fake-nppa/transport.ts';
export {
  type FakeCitizen,
  type FakeGame,
  type FakeNppa,
  type FakeNppaOptions,
  type FakeNppaServer,
  type FakeReport,
  fakeNppa,
} from './fake-nppa.ts';
export type {
  FakeCharge,
  FakeEvent,
  FakeObject,
  FakePaymentIntent,
  FakePaymentStatus,
  FakeRefund,
  FakeSession,
} from './fake-stripe/objects.ts';
export type { FakeStripeFault, FakeStripeRequest } from './fake-stripe/transport.ts';
export {
  type FakeStripe,
  type FakeStripeOptions,
  type FakeWebhookOptions,
  fakeStripe,
} from './fake-stripe.ts';
export { PERSONAS, type Persona } from './personas.ts';
