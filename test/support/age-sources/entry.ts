import type { SpendcapErrorCode } from '@spendcap/core';
import type { JwkSet } from '@spendcap/server';
import type { AgeSource, SourceFinding } from '@spendcap/server/age/sources';
import type { NppaStore } from '@spendcap/server/age/sources/nppa';
import { type Claims, SECOND } from '../../server/age/token/token-kit.ts';
import type { Person } from './people.ts';

export interface WorldOptions {
  /** The world's clock, which a refusal may advance. Epoch milliseconds. */
  readonly clock: { at: number };
  /** Whom the party behind the source knows. */
  readonly people: readonly Person[];
  /** Where a source keeps what it has to remember. Default in memory. */
  readonly records?: NppaStore;
}

/** A call that is refused, and the code that it must reject with. */
export interface Refusal {
  readonly what: string;
  readonly code: SpendcapErrorCode;
  attempt(): Promise<unknown>;
}

/** A source with the party behind it: a provider, a wallet, a register, a device. */
export interface SourceWorld {
  readonly source: AgeSource<never>;
  /** Each form of evidence about a person that it accepts, in an order to show them in. */
  evidence(person: Person): Promise<readonly unknown[]>;
  /** Everything that can go wrong about a person, to be attempted one after the other. */
  refusals(person: Person): Promise<readonly Refusal[]>;
  /** Keys of its options, and all evidence so far with its parts, by names that may be printed. */
  readonly secrets: ReadonlyMap<string, string>;
}

/** Evidence, changed copies of which are all refused. */
export interface Mutated {
  readonly what: string;
  readonly valid: string | Uint8Array;
  readonly count: number;
  readonly seed: number;
  /** Verifies `valid` or a mutant of it. */
  show(mutant: never): Promise<SourceFinding>;
  /** The least number of mutants that are refused for each `why`. */
  readonly whys: Readonly<Record<string, number>>;
}

/** Who signs tokens, and for whom. */
export interface Signer {
  readonly issuer: string;
  readonly audience: string;
  readonly jwks: JwkSet;
  readonly subject: string;
  readonly nonce: string;
}

/** An age source, as the suites use it. */
export interface AgeSourceEntry {
  /** Of its findings. */
  readonly kind: string;
  open(options: WorldOptions): Promise<SourceWorld>;
  /** For evidence that is a compact JWS: the types that it takes, and how to show it one. */
  readonly jws?: {
    readonly types: readonly (string | undefined)[];
    show(token: string, signer: Signer): Promise<SourceFinding>;
  };
  /** Evidence to mutate, or why there is none. */
  readonly mutated: (() => Promise<readonly Mutated[]>) | { readonly not: string };
}

/** Claims of an identity token about a person, with more than the age in them. */
export const claimsAbout = ({ account, name, email, birthdate }: Person) => ({
  ...{ sub: account, exp: SECOND + 3_000 },
  ...{ name, email, birthdate },
});

/** Collects secrets: a text, and what it consists of except a header, which is no secret. */
export function secretsOf() {
  const all = new Map<string, string>();
  return {
    all: all as ReadonlyMap<string, string>,
    add(name: string, value: string): string {
      all.set(name, value);
      return value;
    },
    addEvidence(name: string, text: string): string {
      all.set(name, text);
      for (const [index, part] of text.split(/[.~]/).entries()) {
        if (index > 0 && part !== '') all.set(`${name}, part ${index}`, part);
      }
      return text;
    },
    /** A signer each of whose tokens is a secret. */
    signer(name: string, sign: (claims: Claims) => Promise<string>) {
      let signed = 0;
      return async (claims: Claims): Promise<string> => {
        signed += 1;
        return this.addEvidence(`${name} ${signed}`, await sign(claims));
      };
    },
  };
}

/** An error of a careless dependency: it contains everything that the dependency received. */
export function revealing(...given: readonly unknown[]): Error {
  const text = JSON.stringify(given);
  return Object.assign(new Error(text, { cause: new Error(text) }), { given });
}
