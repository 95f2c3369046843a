/** An error response of the App Store Server API. */
export class AppStoreError extends Error {
  readonly status: number;
  readonly errorCode: number;

  /** The code begins with the HTTP status. */
  constructor(errorCode: number, message: string) {
    super(message);
    this.errorCode = errorCode;
    this.status = Math.floor(errorCode / 10_000);
  }
}
