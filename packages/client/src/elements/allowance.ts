import type { Allowance, LimitAllowance } from '@spendcap/core/wire';
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { periodKey, resetsOn } from '../explain/refusal.ts';
import { isAmount, isText } from '../fields.ts';
import { followPlayer, PLAYER_PROPERTIES, type Player } from './player.ts';
import { allowanceStyles, baseStyles } from './styles.ts';
import type { AllowanceElement, ElementSettings } from './types.ts';

export function allowanceElement(settings: ElementSettings): CustomElementConstructor {
  return class extends LitElement implements AllowanceElement {
    static override properties = PLAYER_PROPERTIES;
    static override styles = [baseStyles, allowanceStyles];
    declare client: AllowanceElement['client'];
    declare locale: string | undefined;
    readonly #player = followPlayer(this, settings);

    protected override render(): TemplateResult {
      const player = this.#player();
      return html`
        <div part="allowance" role="group" lang=${player.lang} dir=${player.dir} aria-labelledby="title">
          <h2 part="title" id="title">${player.label('allowance')}</h2>
          <div part="body" role="status">${bodyOf(player)}</div>
        </div>`;
    }
  };
}

function bodyOf(player: Player): TemplateResult {
  const { client } = player;
  if (client === null) {
    return html`<p>${player.status('signed_out')}</p><slot name="signed-out"></slot>`;
  }
  const state = client.getSnapshot().allowance;
  if (state.allowance !== null && isReadable(state.allowance)) {
    return html`
      ${limitsOf(state.allowance, player)}
      ${state.status === 'stale' ? html`<p part="note">${player.label('stale')}</p>` : nothing}`;
  }
  if (state.status === 'loading') {
    return html`<p part="loading">${player.label('loading')}</p>`;
  }
  return html`
    <p>${player.status('allowance_unknown')}</p>
    <button part="button" type="button" @click=${() => client.refresh()}>
      ${player.label('retry')}
    </button>`;
}

/** Whether every limit has its amounts: a server of another version may say something else. */
function isReadable({ currency, limits }: Allowance): boolean {
  const isKnown = ({ cap, used, remaining }: LimitAllowance) =>
    isText(currency) && [cap, used, remaining].every(isAmount);
  return limits.every(isKnown);
}

function limitsOf(allowance: Allowance, player: Player): TemplateResult {
  const { blocked, limits } = allowance;
  if (blocked.length > 0) {
    return html`
      <p part="blocked">${player.refusal({ reasons: blocked, allowance })}</p>
      <slot name="blocked"></slot>`;
  }
  if (limits.length === 0) return html`<p>${player.status('no_limit')}</p>`;
  return html`<ul part="limits">
    ${limits.map((limit, index) => limitRow({ limit, index, allowance }, player))}
  </ul>`;
}

interface Row {
  readonly limit: LimitAllowance;
  readonly index: number;
  readonly allowance: Allowance;
}

function limitRow({ limit, index, allowance }: Row, player: Player): TemplateResult {
  const { currency, policy } = allowance;
  const values = {
    cap: player.money(limit.cap, currency),
    used: player.money(limit.used, currency),
    remaining: player.money(limit.remaining, currency),
    resets: resetsOn(limit, policy, player.tag),
  };
  const isOnce = limit.period === 'transaction';
  const id = `limit-${index}`;
  const notes = [
    limit.categories === null ? '' : player.label('some_things'),
    player.label('resets', values),
  ].filter((note) => note !== '');
  return html`
    <li part="limit ${isFull(limit) ? 'full' : ''}">
      <p part="head">
        <b id=${id}>${player.label(periodKey(limit.period))}</b>
        <span part="left">${player.label(isOnce ? 'up_to' : 'left', values)}</span>
      </p>
      ${isOnce ? nothing : meterOf(limit, { id, text: player.label('used', values) })}
      ${notes.map((note) => html`<p part="note">${note}</p>`)}
    </li>`;
}

/** The amounts are whole numbers or decimals; for the length of a bar a float is exact enough. */
function meterOf(limit: LimitAllowance, { id, text }: { id: string; text: string }) {
  const share = Math.min(100, (100 * Number(limit.used)) / Number(limit.cap) || 0);
  return html`
    <div part="meter" role="meter" aria-labelledby=${id} aria-valuemin="0"
      aria-valuemax=${limit.cap} aria-valuenow=${limit.used} aria-valuetext=${text}>
      <div part="bar" .style=${`inline-size:${share}%`}></div>
    </div>`;
}

function isFull({ remaining }: LimitAllowance): boolean {
  return !/[1-9]/.test(remaining);
}
