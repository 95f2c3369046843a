import type { Allowance } from '@spendcap/core/wire';
import type { LitElement } from 'lit';
import { formatAmount } from '../explain/format.ts';
import type { LabelKey } from '../explain/messages.ts';
import { type ExplainedRefusal, refusalText } from '../explain/refusal.ts';
import { chooseSpeech, fill, isolate, type Speech, type Values } from '../explain/speech.ts';
import { statusText } from '../explain/status.ts';
import type { Client } from '../index.ts';
import type { ElementSettings, PlayerElement } from './types.ts';

/** The properties of every element. */
export const PLAYER_PROPERTIES = { client: { attribute: false }, locale: {} } as const;

/** What an element shows of its player, in the player's language. */
export interface Player {
  /** `null`: nobody is signed in. */
  readonly client: Client | null;
  /** Of the texts, for the attribute `lang`. */
  readonly lang: string;
  readonly dir: 'ltr' | 'rtl';
  /** Of amounts and dates. */
  readonly tag: string;
  label(key: LabelKey, values?: Values): string;
  money(amount: string, currency: string): string;
  /** What became of a purchase. */
  status(status: string): string;
  refusal(refusal: ExplainedRefusal, audience?: 'child' | 'adult'): string;
}

/**
 * Redraws an element when the state of its client, or the language of the page, changes.
 *
 * @returns a function that reads the player as it is now
 */
export function followPlayer(
  host: LitElement & PlayerElement,
  settings: ElementSettings,
): () => Player {
  let followed: Client | null = null;
  let stop = (): void => undefined;
  const client = () => (host.client === undefined ? (settings.client ?? null) : host.client);
  const redraw = () => host.requestUpdate();
  const follow = (next: Client | null) => {
    if (next === followed) return;
    stop();
    followed = next;
    stop = next?.subscribe(redraw) ?? (() => undefined);
  };
  const observer = new MutationObserver(redraw);
  host.addController({
    hostConnected() {
      follow(client());
      observer.observe(document.documentElement, { attributeFilter: ['lang'] });
    },
    hostUpdate: () => host.isConnected && follow(client()),
    hostDisconnected() {
      follow(null);
      observer.disconnect();
    },
  });
  return () => {
    const nearest = host.closest<HTMLElement>('[lang]')?.lang;
    const locale = host.locale || nearest || navigator.language;
    return playerIn(chooseSpeech(settings.languages, locale, 'child'), client());
  };
}

function playerIn(speech: Speech, client: Client | null): Player {
  const { messages, tag, dir } = speech;
  return {
    client,
    lang: messages.locale,
    dir,
    tag,
    label: (key, values = {}) => fill(messages.labels[key], values, tag),
    money: (amount, currency) => isolate(formatAmount(amount, currency, tag), tag),
    status: (status) => statusText(status, speech),
    refusal: (refusal, audience = 'child') => refusalText(refusal, { ...speech, audience }),
  };
}

/** The allowance that the player's client has, outdated or not. */
export function allowanceOf({ client }: Player): Allowance | null {
  return client?.getSnapshot().allowance.allowance ?? null;
}
