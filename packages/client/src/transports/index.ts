export {
  type AlipayRequest,
  alipayFetch,
  type MiniProgram,
  type WechatRequest,
  wechatFetch,
} from './mini-program.ts';
export { randomId } from './random-id.ts';
export { type XmlHttpRequest, xhrFetch } from './xhr.ts';
