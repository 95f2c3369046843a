/**
 * The parts of `@apple/app-store-server-library` that are used, as shapes: `SignedDataVerifier` and
 * `AppStoreServerAPIClient` fit. Every field of Apple's may be missing.
 */

/** JWSTransactionDecodedPayload. Dates are epoch milliseconds. */
export interface AppleTransaction {
  readonly transactionId?: string;
  readonly originalTransactionId?: string;
  readonly bundleId?: string;
  readonly productId?: string;
  readonly purchaseDate?: number;
  readonly signedDate?: number;
  readonly quantity?: number;
  readonly type?: string;
  readonly appAccountToken?: string;
  readonly inAppOwnershipType?: string;
  readonly transactionReason?: string;
  readonly environment?: string;
  /** Thousandths of the currency's unit, for the whole quantity. */
  readonly price?: number;
  readonly currency?: string;
  readonly revocationDate?: number;
  readonly revocationType?: string;
  /** Thousandths of a per cent, over all refunds. */
  readonly revocationPercentage?: number;
  /** One of an Apple Account and an app. */
  readonly appTransactionId?: string;
}

/** ResponseBodyV2DecodedPayload. */
export interface AppleNotification {
  readonly notificationType?: string;
  readonly subtype?: string;
  readonly notificationUUID?: string;
  readonly signedDate?: number;
  readonly data?: {
    readonly environment?: string;
    readonly signedTransactionInfo?: string;
    readonly consumptionRequestReason?: string;
  };
  readonly summary?: { readonly environment?: string };
  readonly appData?: {
    readonly environment?: string;
    readonly signedAppTransactionInfo?: string;
  };
}

/** `SignedDataVerifier`: checks certificate chain, signature, app and environment. */
export interface AppleVerifier {
  /** Of a transaction, as an app or a notification carries it. */
  verifyAndDecodeTransaction(signedTransaction: string): Promise<AppleTransaction>;
  /** Of an App Store Server Notification V2. */
  verifyAndDecodeNotification(signedPayload: string): Promise<AppleNotification>;
  /** Of an app transaction, as RESCIND_CONSENT carries it. */
  verifyAndDecodeAppTransaction(
    signedAppTransaction: string,
  ): Promise<{ readonly receiptType?: string; readonly appTransactionId?: string }>;
}

/** One page of Get Notification History. */
export interface AppleNotificationPage {
  readonly notificationHistory?: readonly { readonly signedPayload?: string }[];
  readonly hasMore?: boolean;
  readonly paginationToken?: string;
}

/** One page of Get Transaction History. */
export interface AppleTransactionPage {
  readonly signedTransactions?: readonly string[];
  readonly hasMore?: boolean;
  readonly revision?: string;
}

/** What Apple gets to know about a customer who wants a refund. */
export interface AppleConsumption {
  readonly customerConsented: true;
  readonly deliveryStatus: string;
  readonly sampleContentProvided: boolean;
  readonly refundPreference?: string;
  readonly consumptionPercentage?: number;
}

/** `AppStoreServerAPIClient`. */
export interface AppleApi {
  /** Get Notification History: 180 days, 20 a page. */
  getNotificationHistory(
    paginationToken: string | null,
    request: {
      readonly startDate: number;
      readonly endDate: number;
      readonly transactionId?: string;
    },
  ): Promise<AppleNotificationPage>;
  /** Get Transaction Info. */
  getTransactionInfo(transactionId: string): Promise<{ readonly signedTransactionInfo?: string }>;
  /** Get Transaction History of one customer, 20 a page. */
  getTransactionHistory(
    anyTransactionId: string,
    revision: string | null,
    request: { readonly startDate: number },
    version?: string,
  ): Promise<AppleTransactionPage>;
  /** Send Consumption Information. */
  sendConsumptionInformation(transactionId: string, consumption: AppleConsumption): Promise<void>;
}
