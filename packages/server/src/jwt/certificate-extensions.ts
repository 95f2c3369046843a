/** What of a certificate's extensions (RFC 5280, section 4.2) decides whether it can be trusted. */
export interface CertificateExtensions {
  /** DER object identifiers in hexadecimal digits. */
  readonly critical: readonly string[];
  /** The first eight bits; `null` if the certificate may be used for anything. */
  readonly keyUsage: number | null;
}

const TAG = { boolean: 0x01, bitString: 0x03, octetString: 0x04, sequence: 0x30, extensions: 0xa3 };
/** 2.5.29.15 */
const KEY_USAGE = '551d0f';

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
}

/**
 * Reads the extensions, which `X509Certificate` of Node.js does not show.
 *
 * @throws Error for bytes that are not the DER of a certificate
 */
export function certificateExtensions(der: Uint8Array): CertificateExtensions {
  const [certificate] = elementsIn(der);
  const [toBeSigned] = elementsIn(contentOf(certificate, TAG.sequence));
  const parts = elementsIn(contentOf(toBeSigned, TAG.sequence));
  const wrapper = parts.find(({ tag }) => tag === TAG.extensions);
  const [list] = wrapper === undefined ? [] : elementsIn(wrapper.content);
  const critical: string[] = [];
  let keyUsage: number | null = null;
  for (const extension of list === undefined ? [] : elementsIn(list.content)) {
    const [id, ...rest] = elementsIn(contentOf(extension, TAG.sequence));
    const name = Buffer.from(id?.content ?? []).toString('hex');
    const mark = rest.find(({ tag }) => tag === TAG.boolean);
    if (mark !== undefined && mark.content[0] !== 0) critical.push(name);
    if (name !== KEY_USAGE) continue;
    const [bits] = elementsIn(contentOf(rest.at(-1), TAG.octetString));
    // The first byte counts the unused bits of the last one.
    keyUsage = contentOf(bits, TAG.bitString)[1] ?? 0;
  }
  return { critical, keyUsage };
}

function contentOf(element: Element | undefined, tag: number): Uint8Array {
  if (element?.tag !== tag) throw new Error('not a certificate in DER');
  return element.content;
}

function elementsIn(bytes: Uint8Array): readonly Element[] {
  const elements: Element[] = [];
  let at = 0;
  while (at < bytes.length) {
    const [tag = 0, first = 0] = bytes.subarray(at, at + 2);
    const size = first < 0x80 ? 0 : first & 0x7f;
    const start = at + 2 + size;
    let length = first < 0x80 ? first : 0;
    for (const byte of bytes.subarray(at + 2, start)) length = length * 256 + byte;
    // Without a length or with a tag of several bytes: nothing that a certificate has in DER.
    if (first === 0x80 || size > 3 || (tag & 0x1f) === 0x1f || start + length > bytes.length) {
      throw new Error('not a certificate in DER');
    }
    elements.push({ tag, content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return elements;
}
