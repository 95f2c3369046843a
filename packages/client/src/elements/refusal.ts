import type { Reason } from '@spendcap/core/wire';
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import type { ExplainedRefusal } from '../explain/refusal.ts';
import { followPlayer, PLAYER_PROPERTIES, type Player } from './player.ts';
import { baseStyles } from './styles.ts';
import type { ElementSettings, RefusalElement } from './types.ts';

export function refusalElement(settings: ElementSettings): CustomElementConstructor {
  return class extends LitElement implements RefusalElement {
    static override properties = { ...PLAYER_PROPERTIES, refusal: { attribute: false } };
    static override styles = baseStyles;
    declare client: RefusalElement['client'];
    declare locale: string | undefined;
    declare refusal: ExplainedRefusal | null;
    readonly #player = followPlayer(this, settings);

    /** The alert exists before its text, so that a screen reader says it when it comes. */
    protected override render(): TemplateResult {
      const player = this.#player();
      return html`
        <div part="refusal" role="alert" lang=${player.lang} dir=${player.dir}>
          ${this.refusal ? refusalView(this.refusal, player) : nothing}
        </div>`;
    }
  };
}

/** Why, what now, that nothing was paid, and behind a disclosure the rule for adults. */
export function refusalView(refusal: ExplainedRefusal, player: Player): TemplateResult {
  const rows = new Set(refusal.reasons.map((reason) => ruleOf(reason, player)));
  return html`
    <p part="reason">${player.refusal(refusal)}</p>
    <p part="note">${player.label('no_money')}</p>
    <details part="rule">
      <summary>${player.label('rule')}</summary>
      <p>${player.refusal(refusal, 'adult')}</p>
      ${[...rows].map((rule) => (rule === '' ? nothing : html`<p><bdi>${rule}</bdi></p>`))}
    </details>`;
}

const STATUSES = ['law', 'guidance', 'operator', 'unconfirmed'] as const;

function ruleOf({ row }: Reason, player: Player): string {
  const status = STATUSES.find((known) => known === row?.status) ?? 'unconfirmed';
  const language = player.lang.replace(/-.*/, '');
  const citation = row?.citationIn?.[language] ?? row?.citationIn?.en ?? row?.citation;
  return citation ? `${citation} (${player.label(status)})` : '';
}
