/** The body of an error response. */
interface ErrorBody {
  readonly code: string;
  readonly message: string;
}

/** An error response of the API. */
export class WechatError extends Error {
  readonly status: number;
  readonly body: ErrorBody;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.body = { code, message };
  }
}

/** A parameter that the documentation does not allow. `field` is a JSON pointer. */
export function parameterError(field: string, issue: string): WechatError {
  return new WechatError(400, 'PARAM_ERROR', `${field}: ${issue}`);
}

export function orderNotFound(): WechatError {
  return new WechatError(404, 'ORDER_NOT_EXIST', '订单不存在');
}
