/**
 * An error of the gateway: `code`, and `sub_code` where the business or a parameter is at fault.
 */
export class GatewayError extends Error {
  readonly code: string;
  readonly subCode: string;
  /** `error_response`, which has no signature, instead of the response of the method. */
  readonly unsigned: boolean;

  constructor(code: string, subCode: string, unsigned = false) {
    super(MESSAGES[code] ?? 'Error');
    this.code = code;
    this.subCode = subCode;
    this.unsigned = unsigned;
  }
}

const MESSAGES: Readonly<Record<string, string>> = {
  '20000': 'Service Currently Unavailable',
  '20001': 'Insufficient Authority',
  '40001': 'Missing Required Arguments',
  '40002': 'Invalid Arguments',
  '40003': 'Insufficient Conditions',
  '40004': 'Business Failed',
  '40005': 'Call Limited',
  '40006': 'Insufficient Permissions',
};

/** The business refuses the call. */
export function refused(subCode: string): GatewayError {
  return new GatewayError('40004', `ACQ.${subCode}`);
}
