import type { Allowance, Decision, LimitAllowance } from '@spendcap/core/wire';
import { createElement, type ReactElement, type ReactNode, useEffect, useId, useRef } from 'react';
import { isAmount } from '../fields.ts';
import type { RefusedCheckout } from '../outcome.ts';
import type { CheckoutRequest, Pay } from '../types.ts';
import { type PurchaseHook, useAllowance, usePreview, usePurchase } from './hooks.ts';

// Parts without looks, for the DOM. What they say is the caller's, see `@spendcap/client/explain`.

/** What a meter shows. */
export interface MeterParts {
  readonly limit: LimitAllowance;
  readonly allowance: Allowance;
}

/** Properties of `AllowanceMeter`. */
export interface AllowanceMeterProps {
  /** Names the meter: "Left this month". */
  readonly label: string;
  /** Default: the limit with the longest period. */
  readonly period?: string;
  /** What a screen reader says, as a number alone is no amount. Default `38.00 / 50.00 CNY`. */
  readonly valueText?: (parts: MeterParts) => string;
  readonly className?: string;
  /** The looks of the meter. */
  readonly children?: (parts: MeterParts) => ReactNode;
  /** Shown instead: while it loads, or if there is no such limit, as for an adult. */
  readonly fallback?: ReactNode;
}

/** How much of a limit is used, as a `meter` for assistive technology. */
export function AllowanceMeter(props: AllowanceMeterProps): ReactElement {
  const { label, period, className, children, fallback = null } = props;
  const { allowance } = useAllowance();
  // A limit of a server of another version may be without amounts.
  const isShown = (each: LimitAllowance) =>
    each.period === (period ?? each.period) && isAmount(each.cap) && isAmount(each.used);
  const limit = allowance?.limits.filter(isShown).at(-1);
  if (!allowance || !limit) return createElement('div', { className }, fallback);
  const parts = { limit, allowance };
  const text = `${limit.used} / ${limit.cap} ${allowance.currency}`;
  return createElement(
    'div',
    {
      ...{ role: 'meter', className, 'aria-label': label, 'aria-valuemin': 0 },
      // Floats for the length of a bar; the amount is in the text.
      'aria-valuemax': Number(limit.cap),
      'aria-valuenow': Math.min(Number(limit.used), Number(limit.cap)),
      'aria-valuetext': props.valueText?.(parts) ?? text,
    },
    children ? children(parts) : text,
  );
}

/** What a gate hands to its button. */
export interface PurchaseGateParts extends Pick<PurchaseHook, 'state' | 'reset'> {
  /** That of `usePreview`: `useAffordable` of the whole shelf makes it the server's. */
  readonly decision: Decision | null;
  readonly isBusy: boolean;
  /** Starts the purchase; nothing while one is under way. */
  readonly buy: () => void;
}

/** Properties of `PurchaseGate`. */
export interface PurchaseGateProps {
  readonly purchase: CheckoutRequest;
  readonly pay: Pay;
  /** What assistive technology says after each step, such as `explainStatus`. */
  readonly announce: (state: PurchaseHook['state']) => string;
  /** The looks of the product. */
  readonly children: (parts: PurchaseGateParts) => ReactNode;
}

/** One product's way from decision to outcome, and a live region for what happens. */
export function PurchaseGate({ purchase, pay, announce, children }: PurchaseGateProps): ReactNode {
  const { id: _, app: __, ...product } = purchase;
  const decision = usePreview(product);
  const { state, buy, reset } = usePurchase();
  const isBusy = state.status === 'checking' || state.status === 'paying';
  const start = () => void (isBusy || buy(purchase, pay));
  return [
    children({ state, reset, decision, isBusy, buy: start }),
    // It is there before its text, as only a change is announced.
    createElement('div', { key: 'status', role: 'status' }, announce(state)),
  ];
}

/** Properties of `RefusalDialog`. */
export interface RefusalDialogProps {
  /** The refusal to show; `null` closes the dialog. */
  readonly refusal: RefusedCheckout | null;
  readonly title: ReactNode;
  /** Of the button that closes. */
  readonly closeLabel: ReactNode;
  /** Closed by its button or the Escape key: set `refusal` to `null`. */
  readonly onClose: () => void;
  readonly className?: string;
  /** The explanation, and what to do now. */
  readonly children: ReactNode;
}

/** A modal that moves the focus to its heading and, closed, back to where it was. */
export function RefusalDialog(props: RefusalDialogProps): ReactElement {
  const { refusal, title, closeLabel, onClose, className, children } = props;
  const id = useId();
  const dialog = useRef<Dialog | null>(null);
  const heading = useRef<Focusable | null>(null);
  const isOpen = refusal !== null;
  useEffect(() => {
    if (isOpen === dialog.current?.open) return;
    if (!isOpen) return dialog.current?.close();
    dialog.current?.showModal();
    heading.current?.focus();
  }, [isOpen]);
  return createElement(
    'dialog',
    { ref: dialog as never, className, onClose, 'aria-labelledby': id },
    createElement('h2', { id, ref: heading as never, tabIndex: -1 }, title),
    isOpen && children,
    createElement('button', { type: 'button', onClick: onClose }, closeLabel),
  );
}

interface Focusable {
  focus(): void;
}

interface Dialog {
  readonly open: boolean;
  showModal(): void;
  close(): void;
}
