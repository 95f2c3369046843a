import { SpendcapError } from './errors.ts';

/** Number of decimals of a currency's amounts. */
export type CurrencyExponent = 0 | 2 | 3;

/**
 * ISO 4217 list one: the currencies in use, without funds codes, precious metals, units of account
 * and test codes.
 */
const CODES = `
  AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
  CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
  GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW
  KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR
  MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR
  SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX
  USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG`;

const WITHOUT_DECIMALS = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF';
const WITH_THREE_DECIMALS = 'BHD IQD JOD KWD LYD OMR TND';

// A Map, so that no property name of a prototype is a currency.
const EXPONENTS: ReadonlyMap<string, CurrencyExponent> = new Map<string, CurrencyExponent>([
  ...codesOf(CODES, 2),
  ...codesOf(WITHOUT_DECIMALS, 0),
  ...codesOf(WITH_THREE_DECIMALS, 3),
]);

function codesOf(list: string, exponent: CurrencyExponent): [string, CurrencyExponent][] {
  return list
    .trim()
    .split(/\s+/)
    .map((code) => [code, exponent]);
}

/**
 * The number of decimals of a currency's amounts, by ISO 4217.
 *
 * @param code three capital letters
 * @throws SpendcapError `invalid_currency` unless it is the code of a currency in use
 * @example
 * ```ts
 * import { currencyExponent } from '@spendcap/core';
 * currencyExponent('CNY'); // => 2
 * currencyExponent('JPY'); // => 0
 * currencyExponent('KWD'); // => 3
 * ```
 */
export function currencyExponent(code: string): CurrencyExponent {
  const exponent = EXPONENTS.get(code);
  if (exponent === undefined) {
    const message = 'Pass the ISO 4217 code of a currency in use, in upper case, such as "CNY".';
    throw new SpendcapError('invalid_currency', message);
  }
  return exponent;
}

/**
 * True for the ISO 4217 code of a currency in use.
 *
 * @example
 * ```ts
 * import { isCurrency } from '@spendcap/core';
 * isCurrency('CNY'); // => true
 * isCurrency('cny'); // => false
 * ```
 */
export function isCurrency(code: string): boolean {
  return EXPONENTS.has(code);
}

/**
 * Every supported currency: ISO 4217 codes in alphabetical order.
 *
 * @example
 * ```ts
 * import { CURRENCIES } from '@spendcap/core';
 * CURRENCIES.includes('CNY'); // => true
 * ```
 */
export const CURRENCIES: readonly string[] = Object.freeze([...EXPONENTS.keys()]);
